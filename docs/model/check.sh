#!/usr/bin/env bash
# Explores every configuration of the model whole, and shows that each switch is
# found. `check.sh NAME` does one configuration, `check.sh SWITCH` one switch and
# prints its sequence of steps. Needs spin and a C compiler; writes only into a
# temporary folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A run that reaches one of these has not seen everything, and fails.
most_depth=20000
most_megabytes=2000

rows() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$here/$1"; }

# model CONFIGURATION: life-… is the life of one sale's points, seal-… the seal, the others the way
# of an operation.
model() { case $1 in life-*) echo life.pml ;; seal-*) echo seal.pml ;; *) echo points.pml ;; esac; }

# build FOLDER CONFIGURATION "DEFINES" makes FOLDER/pan.
build() {
	mkdir -p "$1"
	cd "$1"
	local define flags=()
	for define in $3; do flags+=("-D$define"); done
	spin -a "${flags[@]}" "$here/$(model "$2")" >spin.txt || { cat spin.txt; return 1; }
	# Compiling costs more than exploring, so nothing is optimised; -w: the generated C is not ours to mend.
	"${CC:-cc}" -w -O0 -DNP -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM="$most_megabytes" -o pan pan.c
}

# explore FOLDER runs it; -l looks for circles beside the promises.
explore() {
	cd "$1"
	./pan -l -m"$most_depth" >out.txt 2>&1 || true
}

field() { sed -n "s/$2/\\1/p" "$1/out.txt" | head -1; }

# complete FOLDER: no promise broken, no circle, and nothing left out.
complete() {
	grep -q 'errors: 0$' "$1/out.txt" || return 1
	! grep -Eq 'max search depth|out of memory|memory limit|Warning|VECTORSZ|bound|aborting' "$1/out.txt"
}

# trace FOLDER prints the steps of the counterexample in words.
trace() {
	cd "$1"
	./pan -r ./*.pml.trail 2>&1 | grep -aE '^ *(fetch|record|seal|verify|join|ack|claim|send|return|renew|confirm|settle|release|clear|rescue|sweep|judge|sample|sabotage|vendor|firewall|member|keeper|watch|person|clock|fault|time|peace|PROMISE)'
}

configuration() {
	local name=$1 defines=$2 at=$SECONDS
	build "$work/$name" "$name" "$defines"
	explore "$work/$name"
	if ! complete "$work/$name"; then
		printf '%s: NOT PASSED\n' "$name"
		grep -E 'pan:|errors:|max search|memory|Warning' "$work/$name/out.txt" || true
		if compgen -G "$work/$name/*.pml.trail" >/dev/null; then trace "$work/$name"; fi
		return 1
	fi
	printf '| %s | %s | %s | %s | %d s |\n' "$name" "$defines" "$(field "$work/$name" '^ *\([0-9]*\) states, stored.*')" \
		"$(field "$work/$name" '.*depth reached \([0-9]*\),.*')" "$((SECONDS - at))"
}

# found SWITCH CONFIGURATION PROMISE [show]
found() {
	local name=$1 defines
	defines=$(rows configurations.txt | awk -v name="$2" '$1 == name { $1 = ""; print }')
	[ -n "$defines" ] || { printf '%s: no configuration %s\n' "$name" "$2"; return 1; }
	build "$work/$name" "$2" "$defines $name"
	explore "$work/$name"
	local steps='' broken=''
	if compgen -G "$work/$name/*.pml.trail" >/dev/null; then
		steps=$(trace "$work/$name" || true)
		broken=$(sed -n 's/^PROMISE BROKEN \([a-z_]*\):.*/\1/p' <<<"$steps")
		if grep -q '^pan:.*non-progress cycle' "$work/$name/out.txt"; then broken=comes_to_rest; fi
	fi
	if [ "${4:-}" = show ]; then printf '%s\n' "$steps"; fi
	if [ "$broken" != "$3" ]; then
		printf '%s in %s: want %s broken, got %s\n' "$name" "$2" "$3" "${broken:-nothing}"
		return 1
	fi
	printf '%-32s found in %-14s %s\n' "$name" "$2:" "$broken"
}

# reached fails when a step happens in no configuration. pan.t holds each place
# where a step stands, out.txt those that were not reached.
reached() {
	local text lacking=0 name all missed
	while IFS= read -r text; do
		local seen=0
		for name in "$@"; do
			all=$(grep -cF "$text" "$work/$name/pan.t" || true)
			missed=$(grep -F ', state ' "$work/$name/out.txt" | grep -cF "$text" || true)
			if [ "$missed" -lt "$all" ]; then seen=1; break; fi
		done
		if [ "$seen" = 0 ]; then
			printf 'never happens in any configuration: %s\n' "$text"
			lacking=1
		fi
	done < <(cat "$here"/*.pml | grep -o 'printf("[^"%\\]*' | sed 's/printf("//' | grep -Ev '^(PROMISE|sabotage)' | sort -u)
	return "$lacking"
}

# beside NAME COMMAND… runs it beside others, two at a time: compiling and exploring keep one
# processor busy each. What it prints and whether it failed stands under NAME.
beside() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
	{ if "$@" >"$work/$name.said" 2>&1; then echo 0; else echo 1; fi >"$work/$name.status"; } &
}

# told NAME prints what it said, and fails if it failed.
told() {
	cat "$work/$1.said"
	[ "$(cat "$work/$1.status")" = 0 ]
}

all() {
	local name defines switch promise names=() switches=() failed=0
	while read -r name defines; do
		names+=("$name")
		beside "$name" configuration "$name" "$defines"
	done < <(rows configurations.txt)
	while read -r switch name promise; do
		switches+=("$switch")
		beside "$switch" found "$switch" "$name" "$promise"
	done < <(rows switches.txt)
	wait
	echo '| configuration | bounds | states | depth | time |'
	echo '|---|---|---|---|---|'
	for name in "${names[@]}"; do told "$name" || failed=1; done
	if [ "$failed" = 0 ]; then reached "${names[@]}" || failed=1; fi
	for name in "${switches[@]}"; do told "$name" || failed=1; done
	return "$failed"
}

if [ $# -eq 0 ]; then all; exit; fi
for wanted in "$@"; do
	line=$(rows configurations.txt | awk -v name="$wanted" '$1 == name')
	if [ -n "$line" ]; then
		read -r name defines <<<"$line"
		configuration "$name" "$defines"
		continue
	fi
	line=$(rows switches.txt | awk -v name="$wanted" '$1 == name')
	[ -n "$line" ] || { echo "no configuration and no switch is called $wanted"; exit 2; }
	read -r name in promise <<<"$line"
	found "$name" "$in" "$promise" show
done
