"""What Streamlit runs for each visitor; its argument is `asking.Settings` as JSON.

Processes that are started from here run this file too, under another name: it imports nothing for them.
"""

if __name__ == "__main__":
    import sys

    from fakefocus.apps.web.showing import main

    main(sys.argv[1])
