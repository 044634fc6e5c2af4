/* What goes wrong, and what time does. */

inline forget_worker(w) {
	for (k : 0 .. OPS - 1) {
		hand[AT(w, k)] = NOT; held_doubt[AT(w, k)] = 0; live[AT(w, k)] = 0; orphan[AT(w, k)] = 0;
		since_copy[AT(w, k)] = 0; unleased[AT(w, k)] = 0;
		watch[AT(w, k)] = 0; batch[AT(w, k)] = EMPTY
	}
	k = 0;
	admitted[w] = 0; look[w] = 0; read_counter[w] = 0; beat[w] = 0
}

inline copy_ledger(from, to) {
	for (k : 0 .. OPS - 1) {
		to.row[k] = from.row[k]; to.doubt[k] = from.doubt[k]; to.token[k] = from.token[k]; to.over[k] = from.over[k];
		to.rests[k] = from.rests[k]; to.attempts[k] = from.attempts[k]; to.posting[k] = from.posting[k]; to.corrected[k] = from.corrected[k]
	}
	k = 0;
	to.counter = from.counter; to.timeline = from.timeline
}

inline forget_claims() {
	for (k : 0 .. OPS - 1) { since_copy[AT(0, k)] = 0; since_copy[AT(1, k)] = 0 } k = 0
}

inline forget_copy() {
	for (k : 0 .. OPS - 1) {
		copy.row[k] = 0; copy.doubt[k] = 0; copy.token[k] = 0; copy.over[k] = 0; copy.rests[k] = 0; copy.attempts[k] = 0;
		copy.posting[k] = 0; copy.corrected[k] = 0
	}
	k = 0;
	copy.counter = 0; copy.timeline = 0
}

/* Every connection breaks; what workers have in hand and in mind they keep. Of an
   operation that the copy does not know they have an id that is nobody's. */
inline other_database() {
	copy_ledger(copy, db);
	for (k : 0 .. OPS - 1) {
		watch[AT(0, k)] = 0; watch[AT(1, k)] = 0;
		unleased[AT(0, k)] = unleased[AT(0, k)] || since_copy[AT(0, k)]; since_copy[AT(0, k)] = 0;
		unleased[AT(1, k)] = unleased[AT(1, k)] || since_copy[AT(1, k)]; since_copy[AT(1, k)] = 0;
		if
		:: db.row[k] == NONE ->
			orphan[AT(0, k)] = (hand[AT(0, k)] != NOT); orphan[AT(1, k)] = (hand[AT(1, k)] != NOT)
		:: else
		fi
	}
	k = 0;
	forget_copy(); ever_lost = 1; admitted[0] = 0; admitted[1] = 0;
	if
	:: !WITNESS_EARLY -> look[0] = 0; look[1] = 0; read_counter[0] = 0; read_counter[1] = 0
	:: else -> if :: look[0] > 1 -> look[0] = 0 :: else fi; if :: look[1] > 1 -> look[1] = 0 :: else fi
	fi
}

proctype Faults() {
end:
	do
	:: atomic { crashes > 0 -> crashes--; printf("fault: worker 0 is killed\n"); forget_worker(0) }
	:: atomic { crashes > 0 -> crashes--; printf("fault: worker 1 is killed\n"); forget_worker(1) }
	/* the standby and the snapshot have what the database has now */
	:: atomic { failovers + rollbacks > 0 && !copied -> copied = 1; forget_claims(); printf("fault: from here on the copy lacks what is written\n"); copy_ledger(db, copy) }
	:: atomic { copied && failovers > 0 ->
		failovers--; timeline++; copied = 0;
		printf("fault: the standby takes over\n");
		other_database() }
	/* seen only when a beat went by since the snapshot */
	:: atomic { copied && rollbacks > 0 && witness > copy.counter ->
		rollbacks--; copied = 0;
		printf("fault: the disk is put back to the snapshot\n");
		other_database() }
	:: atomic { durables_lost > 0 ->
		durables_lost--;
		printf("fault: the durable is gone, and made anew\n");
		durable_lost = 1;
		for (k : 0 .. OPS - 1) { acked[k] = 0; delivered[k] = 0 } k = 0 }
	:: atomic { mutes > 0 -> mutes--; mute = 1 - mute; printf("vendor: shows reasons: %d\n", 1 - mute) }
	/* no further fault: everything must come to rest now */
	:: atomic { crashes + stalls + redeliveries + lost_answers + silences + refusals + turned_away + html + clock_steps + failovers + rollbacks +
		beats + durables_lost + keys_age + mutes + empty_lists + cuts + parts + short_history + spends + put_backs + voids + hand_settlements +
		stray_rows > 0 ->
		crashes = 0; stalls = 0; redeliveries = 0; lost_answers = 0; silences = 0; refusals = 0; turned_away = 0; html = 0; clock_steps = 0;
		failovers = 0; rollbacks = 0; beats = 0; durables_lost = 0; keys_age = 0; mutes = 0; empty_lists = 0; cuts = 0; parts = 0; short_history = 0;
		spends = 0; put_backs = 0; voids = 0; hand_settlements = 0; stray_rows = 0; copied = 0;
		forget_copy();
		printf("peace: no further fault\n") }
	od
}

/* Every lease that somebody has in mind ends, and was not renewed meanwhile. */
inline lease_goes_by(i) {
	if
	:: KEEPS_LOST_ROW
	:: else -> live[AT(0, i)] = 0; live[AT(1, i)] = 0
	fi
}

/* Time goes by for one operation. What the protocol may rest on: a request arrives
   before its deadline or not at all, and deadlines lie before the end of leases. */
proctype Clock(byte i) {
end:
	do
	/* the lease ends: nobody renews it */
	:: atomic { db.row[i] == SENDING && !db.over[i] && !UNDER_WAY(i) &&
		((hand[AT(0, i)] == NOT || db.token[i] != 1 || orphan[AT(0, i)]) && (hand[AT(1, i)] == NOT || db.token[i] != 2 || orphan[AT(1, i)]) || stalls > 0) ->
		if
		:: db.token[i] > 0 && hand[AT(db.token[i] - 1, i)] != NOT && !orphan[AT(db.token[i] - 1, i)] -> stalls--
		:: else
		fi;
		printf("time: the lease of operation %d ends\n", i);
		if :: db.token[i] > 0 -> live[AT(db.token[i] - 1, i)] = 0 :: else fi;
		db.over[i] = 1 }
	/* the database's clock jumps: the lease looks over, and its holder works on */
	:: atomic { clock_steps > 0 && db.row[i] == SENDING && !db.over[i] ->
		clock_steps--;
		printf("fault: the database's clock jumps, the lease of operation %d looks over\n", i);
		db.over[i] = 1 }
	/* the same for a wait: it looks over, and no time went by */
	:: atomic { clock_steps > 0 && VERIFIES && CALL_HAS_ENDED(i) && !quiet_over[i] ->
		clock_steps--;
		printf("fault: the database's clock jumps, the wait of operation %d looks over\n", i);
		lag_over[i] = 1; quiet_over[i] = 1; clock_owed = HEEDS_CLOCK }
	/* step: ledger.Store.RenewDoubt, dispatch.databaseClock.look. Somebody who ran
	   before the jump has seen it: every doubt waits anew, and nothing is judged before. */
	:: atomic { i == 0 && clock_owed ->
		for (k : 0 .. OPS - 1) {
			if
			:: db.doubt[k] -> not_quiet(k)
			:: else
			fi
		}
		k = 0;
		printf("clock: the doubts wait anew\n");
		clock_owed = 0 }
	/* step: dispatch.deadLeases.look, ledger.Store.Leases. A sweep sees a lease that is
	   over. (It watches from a lease's birth; a renewal changes the end, so that it is
	   the same.) */
	:: atomic { admitted[0] && db.row[i] == SENDING && db.over[i] && watch[AT(0, i)] == 0 ->
		watch[AT(0, i)] = 1 }
	:: atomic { admitted[1] && db.row[i] == SENDING && db.over[i] && watch[AT(1, i)] == 0 ->
		watch[AT(1, i)] = 1 }
	/* a whole lease goes by on the observers' clocks */
	:: atomic { (watch[AT(0, i)] == 1 || watch[AT(1, i)] == 1) && !UNDER_WAY(i) ->
		printf("time: operation %d is unchanged for a whole lease\n", i);
		if :: watch[AT(0, i)] == 1 -> watch[AT(0, i)] = 2 :: else fi;
		if :: watch[AT(1, i)] == 1 -> watch[AT(1, i)] = 2 :: else fi;
		lease_goes_by(i) }
	/* the longest lease goes by after a recovery: who has lost the row knows it */
	:: atomic { db.rests[i] && !UNDER_WAY(i) ->
		printf("time: operation %d has rested\n", i);
		if :: !KEEPS_LOST_ROW && !HOLDS(0, i) -> live[AT(0, i)] = 0 :: else fi;
		if :: !KEEPS_LOST_ROW && !HOLDS(1, i) -> live[AT(1, i)] = 0 :: else fi;
		db.rests[i] = 0 }
	/* the vendor may forget the key */
	:: atomic { keys_age > 0 && called[i] && !key_old[i] && !UNDER_WAY(i) ->
		keys_age--; key_old[i] = 1; remembered[i] = 0;
		printf("time: the key of operation %d is older than the vendor's memory\n", i) }
	/* the known lag goes by since the last call ended */
	:: atomic { OPS > 1 && VERIFIES && CALL_HAS_ENDED(i) && !lag_over[i] && (!LAG_BOUND || SHOWN_EVERYWHERE(i)) ->
		printf("time: the known lag went by for operation %d\n", i);
		lag_over[i] = 1 }
	/* quiet_after goes by: no vendor is that late */
	:: atomic { VERIFIES && CALL_HAS_ENDED(i) && !quiet_over[i] && SHOWN_EVERYWHERE(i) ->
		printf("time: quiet_after went by for operation %d\n", i);
		quiet_over[i] = 1; lag_over[i] = 1 }
	/* what a short history keeps goes by */
	:: atomic { SHORT_HISTORY && short_history == 0 && !long_over[i] && CALL_HAS_ENDED(i) ->
		printf("time: operation %d is older than what the vendor keeps\n", i);
		long_over[i] = 1 }
	od
}
