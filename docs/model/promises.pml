/* The promises. A broken one prints its name, and the checker stops. */

inline promise_applied_once(i) {
	if
	:: times[i] > 1 -> printf("PROMISE BROKEN applied_once: the vendor applied operation %d twice\n", i); assert(false)
	:: else
	fi
}

inline promise_fact_once() {
	if
	:: ONE_FACT && OPS > 1 && times[0] + times[OPS - 1] > 1 ->
		printf("PROMISE BROKEN fact_once: one fact was granted at two accounts\n"); assert(false)
	:: else
	fi
}

inline promise_posting_needs_effect(i) {
	if
	:: times[i] == 0 -> printf("PROMISE BROKEN posting_needs_effect: operation %d is posted, and was never applied\n", i); assert(false)
	:: else
	fi
}

inline promise_absence_is_true(i) {
	if
	:: times[i] > 0 || UNDER_WAY(i) ->
		printf("PROMISE BROKEN absence_is_true: the doubt of operation %d ends as not applied, and it is applied\n", i); assert(false)
	:: else
	fi
}

inline promise_no_false_alarm() {
	if
	:: !ever_lost -> printf("PROMISE BROKEN no_false_alarm: a healthy ledger is taken for one that lost commits\n"); assert(false)
	:: else
	fi
}

/* At rest: nothing can happen any more, and no further fault will. */
inline promises_at_rest(i) {
	if
	:: !acked[i] || batch[AT(0, i)] || batch[AT(1, i)] ->
		printf("PROMISE BROKEN comes_to_rest: event %d is not acknowledged\n", i); assert(false)
	:: hand[AT(0, i)] || hand[AT(1, i)] || db.row[i] == SENDING || db.row[i] == PENDING ->
		printf("PROMISE BROKEN comes_to_rest: operation %d is stuck\n", i); assert(false)
	:: db.row[i] == NONE && !(ONE_FACT && db.row[OPS - 1 - i] != NONE) ->
		printf("PROMISE BROKEN nothing_lost: event %d is acknowledged, and not in the ledger\n", i); assert(false)
	:: db.posting[i] == POSTED && times[i] == 0 ->
		printf("PROMISE BROKEN posting_needs_effect: operation %d is posted, and was never applied\n", i); assert(false)
	:: db.posting[i] == NOTHING && db.row[i] == PARKED && !db.doubt[i] && times[i] > 0 ->
		printf("PROMISE BROKEN doubt_is_said: operation %d is parked as not applied, and is applied\n", i); assert(false)
	:: db.posting[i] == VOIDED && heard_applied[i] && !db.corrected[i] ->
		printf("PROMISE BROKEN void_is_corrected: operation %d was heard as applied, and the ledger says voided\n", i); assert(false)
	:: else
	fi
}
