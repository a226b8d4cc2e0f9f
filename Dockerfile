# The image of the controller. To build it: docker build -t REGISTRY/gpu-autoscaler:VERSION .
# It needs a registry with the Python image and a package index; behind a mirror, name both:
#   docker build --build-arg PYTHON_IMAGE=MIRROR/python:3.11-slim-trixie --build-arg PIP_INDEX_URL=https://MIRROR/simple .
# The digest is that of the image index, for all architectures. To renew it:
#   docker buildx imagetools inspect docker.io/library/python:3.11-slim-trixie --format '{{.Manifest.Digest}}'
# Without Docker, `make bench-image` takes the same steps in a scratch folder and measures what they make.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-trixie
ARG PYTHON_DIGEST=sha256:45037981b62b34b44602584fccbc4d884d5f7dc92c7ee86bb38a698a79fe1e51

FROM ${PYTHON_IMAGE}@${PYTHON_DIGEST} AS build
ARG PIP_INDEX_URL=https://pypi.org/simple
ENV PIP_INDEX_URL=${PIP_INDEX_URL} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock requirements-dev.lock ./
# Wheels only: nothing is compiled, so neither stage has a compiler. The environment has no pip of its own.
RUN python -m venv --without-pip /opt/autoscaler && \
    python -m pip --python /opt/autoscaler/bin/python install --no-cache-dir --only-binary :all: --require-hashes -r requirements.lock
# The tests of what was installed do not run here; they were a fifth of its size.
RUN find /opt/autoscaler -depth -type d -name tests -path '*/site-packages/*' -exec rm -r {} +
# Our own package is built with the locked setuptools, in this stage alone.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.lock > build.lock && \
    python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY autoscaler ./autoscaler
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . && \
    python -m pip --python /opt/autoscaler/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl

FROM ${PYTHON_IMAGE}@${PYTHON_DIGEST}
LABEL org.opencontainers.image.title="gpu-autoscaler" \
      org.opencontainers.image.description="Predictive GPU capacity for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/autoscaler /opt/autoscaler
# One thread for linear algebra: its arrays are small, and a GPU node has a hundred cores that a limit forbids to use.
ENV PATH=/opt/autoscaler/bin:${PATH} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OPENBLAS_NUM_THREADS=1
# A number, so that runAsNonRoot can be checked without a look into the image.
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["/opt/autoscaler/bin/autoscaler"]
CMD ["run"]
