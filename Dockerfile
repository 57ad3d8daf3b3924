# One image for every role; docker-compose.yml says which command it runs.
# The Python version is the one the tests run on.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/wishtree
ENV PATH=/opt/wishtree/bin:$PATH
WORKDIR /build

COPY requirements.lock ./
# --no-deps: the lock is complete, and pip must not resolve anything anew.
RUN pip install --no-deps --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY console console
COPY gateway gateway
COPY services services
COPY shared shared
RUN pip install --no-deps --no-build-isolation . && pip check


FROM python:3.11-slim-bookworm

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin wishtree
COPY --from=build /opt/wishtree /opt/wishtree
COPY deploy/healthy deploy/make-secrets /opt/wishtree/deploy/
COPY deploy/rabbitmq/definitions.json /opt/wishtree/deploy/rabbitmq/
ENV PATH=/opt/wishtree/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /tmp
ENTRYPOINT ["wishtree"]
CMD ["--help"]
