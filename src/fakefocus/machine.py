"""What machine this is."""

import platform


def processor_name() -> str:
    """Return the processor's name, as Linux tells it; elsewhere what Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 (no file of the project)
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
