"""The web app: `page` is what Streamlit runs; nothing else imports Streamlit."""
