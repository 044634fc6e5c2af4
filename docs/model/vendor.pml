/* The vendor: what arrives, what it applies, what it answers. */

/* quiet_since moves: what readings and time have told of the operation counts
   from here anew. */
inline not_quiet(i) {
	lag_over[i] = 0; quiet_over[i] = 0; empty_before[i] = 0;
	for (l : 0 .. OPS - 1) {
		if
		:: l != i && !KEEPS_DEADLINE -> AFTER(l, i) = 0
		:: else
		fi
	}
	l = 0
}

/* A call begins: it is later than every call that has ended. The ledger knows of
   it only when the caller still has the row. */
inline begin_call(w, i) {
	called[i] = 1;
	for (k : 0 .. OPS - 1) {
		if
		:: k != i && CALL_HAS_ENDED(k) -> AFTER(i, k) = 1
		:: else
		fi
	}
	k = 0;
	if
	:: HOLDS(w, i) -> not_quiet(i)
	:: else
	fi
}

inline apply(i) {
	if
	:: !FORGETS && remembered[i] && !NEW_KEY
	:: else ->
		times[i]++; remembered[i] = 1; nameless[i] = mute;
		for (k : 0 .. OPS - 1) {
			if
			:: k != i && times[k] > 0 && !BEFORE(i, k) -> BEFORE(k, i) = 1
			:: else
			fi
		}
		k = 0;
		promise_applied_once(i); promise_fact_once()
	fi
}

inline answer(w, i, what) {
	wire[AT(w, i)] = 0;
	if
	:: hand[AT(w, i)] == CALLING -> hand[AT(w, i)] = what
	:: else                      /* nobody listens */
	fi
}

proctype Vendor(byte w; byte i) {
end:
	do
	/* step: vendorapi.Applied, vendorapi.AlreadyApplied */
	:: atomic { wire[AT(w, i)] ->
		printf("vendor: applies operation %d and says so to worker %d\n", i, w);
		apply(i); answer(w, i, HEARD) }
	/* step: vendorapi.Unknown */
	:: atomic { wire[AT(w, i)] && silences > 0 ->
		silences--;
		printf("vendor: applies operation %d and is silent\n", i);
		apply(i); answer(w, i, UNCLEAR) }
	/* step: vendorapi.Unknown */
	:: atomic { wire[AT(w, i)] && silences > 0 ->
		silences--;
		printf("vendor: does not apply operation %d and is silent\n", i);
		answer(w, i, UNCLEAR) }
	/* step: vendorapi.Refused */
	:: atomic { wire[AT(w, i)] && refusals > 0 ->
		refusals--;
		printf("vendor: refuses operation %d\n", i);
		answer(w, i, REFUSED) }
	/* step: vendorapi.Throttled, vendorapi.Unauthorised, vendorapi.NotSent */
	:: atomic { wire[AT(w, i)] && turned_away > 0 ->
		turned_away--;
		printf("vendor: turns the call for operation %d away\n", i);
		answer(w, i, UNSENT) }
	/* step: vendorapi.Unknown */
	:: atomic { wire[AT(w, i)] && html > 0 ->
		html--;
		printf("firewall: answers the call for operation %d with 200 and a page\n", i);
		answer(w, i, HTML_MEANS) }
	od
}
