#!/bin/sh
# Runs once, when the Postgres image makes a new cluster: the role the worker
# logs in as. It owns no table, so it cannot change or empty the ledger;
# `worker migrate up --grant-to points_worker` gives it its rights.
set -eu
password=$(cat /run/secrets/postgres_worker_password)
psql -v ON_ERROR_STOP=1 -q --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set password '$password'
CREATE ROLE points_worker LOGIN PASSWORD :'password';
SQL
