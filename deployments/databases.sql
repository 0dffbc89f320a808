-- Makes the two databases of an installation, each with a login of its own. Once, as PostgreSQL's superuser:
--
--   PREFECT_DATABASE_PASSWORD=… PRESSRUN_DATABASE_PASSWORD=… psql -v ON_ERROR_STOP=1 -f databases.sql
--
-- psql 14 or later reads the passwords from the environment, so that they stand in no file and no list of processes.
\getenv prefect_password PREFECT_DATABASE_PASSWORD
\getenv pressrun_password PRESSRUN_DATABASE_PASSWORD

CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE DATABASE prefect OWNER prefect ENCODING 'UTF8' TEMPLATE template0;

CREATE ROLE pressrun LOGIN PASSWORD :'pressrun_password';
CREATE DATABASE pressrun OWNER pressrun ENCODING 'UTF8' TEMPLATE template0;

-- A machine that is cut off in the middle of a transaction keeps its rows locked, and others wait for them. These let
-- the server notice within half a minute; a slow client that lives is left alone.
ALTER ROLE pressrun SET tcp_keepalives_idle = 15;
ALTER ROLE pressrun SET tcp_keepalives_interval = 5;
ALTER ROLE pressrun SET tcp_keepalives_count = 3;
ALTER ROLE pressrun SET tcp_user_timeout = '30s';
