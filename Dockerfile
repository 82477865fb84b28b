# Answers of files: docker build -t fakefocus . && docker run --rm --network none -v "$PWD:/media:ro" fakefocus predict /media/clip.mp4
# Nothing is sent anywhere; the image needs no network when it runs.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
# torch makes the graphs here, and stays behind
RUN python -m venv /torch \
 && /torch/bin/pip install --no-cache-dir -c constraints.txt '.[train]' build \
 && PYTHONPATH=src /torch/bin/python -m fakefocus.prediction.packing \
 && /torch/bin/python -m build --wheel --outdir /wheel .

FROM python:3.11-slim
COPY --from=build /wheel /wheel
COPY constraints.txt /wheel/
RUN pip install --no-cache-dir -c /wheel/constraints.txt "$(ls /wheel/*.whl)[provenance]" \
 && useradd --create-home --uid 1000 user
USER 1000
WORKDIR /home/user
ENTRYPOINT ["fakefocus"]
CMD ["--help"]
