#!/bin/sh
# Makes what is missing in ./secrets for docker-compose.yml: random database
# passwords, and the simulator's credentials in the vendors' place. A file that
# is there is never changed. Run it again after you have removed one.
#
# The files are readable inside the containers, which run as other users; the
# folder itself is closed to everybody else on this host.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets
umask 022

keep() { # name, value
	if [ -s "secrets/$1" ]; then
		echo "kept  secrets/$1"
	else
		printf '%s\n' "$2" >"secrets/$1"
		echo "made  secrets/$1"
	fi
}
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

keep postgres_owner_password "$(random)"
keep postgres_worker_password "$(random)"
keep database_url_owner "postgres://points_owner:$(cat secrets/postgres_owner_password)@postgres:5432/points?sslmode=disable"
keep database_url_worker "postgres://points_worker:$(cat secrets/postgres_worker_password)@postgres:5432/points?sslmode=disable"
keep zhimai_open_id sim-open-id
keep zhimai_grant_code sim-grant
keep zhimai_open_key sim-open-key
