#!/bin/sh
# Makes Holdfast's roles and its database, once, on an empty PostgreSQL: run by the image's own entry point. The same by
# hand is in docs/guides/running-in-production.md.
set -eu

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set owner_password="$HOLDFAST_OWNER_PASSWORD" --set web_password="$HOLDFAST_WEB_PASSWORD" <<'SQL'
CREATE ROLE holdfast_app NOLOGIN;
CREATE ROLE holdfast_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE holdfast_web LOGIN PASSWORD :'web_password' IN ROLE holdfast_app;
GRANT holdfast_app TO holdfast_owner;
CREATE DATABASE holdfast OWNER holdfast_owner;
REVOKE ALL ON DATABASE holdfast FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE holdfast TO holdfast_app;
SQL
