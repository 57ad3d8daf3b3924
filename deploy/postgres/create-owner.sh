#!/bin/sh
# Runs once, in an empty cluster: the role that migrates owns the database and is no superuser.
# `wishtree migrate` makes the application roles.
set -eu
password=$(cat /run/secrets/owner_database_password)
psql -v ON_ERROR_STOP=1 -v password="$password" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE wishtree_owner LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE wishtree OWNER wishtree_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
SQL
