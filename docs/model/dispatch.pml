/* From the ledger to the vendor and back: one worker, one operation. */

inline lease(w, i) {
	db.token[i] = w + 1; db.over[i] = 0;
	watch[AT(0, i)] = 0; watch[AT(1, i)] = 0
}

inline take(w, i) {
	lease(w, i);
	hand[AT(w, i)] = HELD; held_doubt[AT(w, i)] = db.doubt[i]; live[AT(w, i)] = 1; since_copy[AT(w, i)] = copied
}

inline drop(w, i) {
	hand[AT(w, i)] = NOT; held_doubt[AT(w, i)] = 0; live[AT(w, i)] = 0; orphan[AT(w, i)] = 0;
	since_copy[AT(w, i)] = 0; unleased[AT(w, i)] = 0
}

inline end_lease(i) {
	db.token[i] = 0; db.over[i] = 0;
	watch[AT(0, i)] = 0; watch[AT(1, i)] = 0
}

/* One attempt more: wait for another, or a person. */
inline use_attempt(i) {
	db.attempts[i]++;
	if
	:: db.attempts[i] >= MAX_ATTEMPTS -> db.row[i] = PARKED
	:: else -> db.row[i] = PENDING
	fi
}

/* Somebody heard or saw that the operation is applied: it settles an open row
   whoever has it. Under an id that the database has lost it finds nothing. */
inline confirm(w, i) {
	if
	:: orphan[AT(w, i)] || db.row[i] == NONE
	:: else ->
		promise_posting_needs_effect(i);
		heard_applied[i] = 1;
		if
		:: db.posting[i] == NOTHING -> db.row[i] = CLOSED; db.posting[i] = POSTED; end_lease(i)
		:: db.posting[i] == VOIDED -> db.corrected[i] = CORRECTS
		:: else
		fi
	fi
}

/* Only the key protects the call. */
#define BY_KEY(w, i) (hand[AT(w, i)] == RESEND || (hand[AT(w, i)] == HELD && held_doubt[AT(w, i)] && !VERIFIES))
#define OUTLIVED(w, i) (BY_KEY(w, i) && key_old[i])
#define MAY_CALL(w, i) ((hand[AT(w, i)] == HELD && (!held_doubt[AT(w, i)] || SENDS_BLINDLY)) || (BY_KEY(w, i) && !key_old[i]))

proctype Hand(byte w; byte i) {
end:
	do
	/* step: ledger.Store.Claim. The guard on the key's age stands in the claim; a
	   row in doubt rests until its last call has surely ended. */
	:: atomic {
		admitted[w] && db.row[i] == PENDING && hand[AT(w, i)] == NOT && !wire[AT(w, i)] && !db.rests[i] &&
		(!db.doubt[i] || !UNDER_WAY(i)) && (!db.doubt[i] || VERIFIES || (HONOURED && !key_old[i]) || SENDS_BLINDLY) ->
		db.row[i] = SENDING; take(w, i);
		printf("claim: worker %d takes operation %d, in doubt: %d\n", w, i, db.doubt[i])
	}
	/* step: dispatch.Dispatcher.send. It looks at its own clock and writes. */
	:: atomic {
		MAY_CALL(w, i) && IS_LIVE(w, i) && !wire[AT(w, i)] ->
		printf("send: worker %d calls for operation %d\n", w, i);
		wire[AT(w, i)] = 1; hand[AT(w, i)] = CALLING;
		begin_call(w, i)
	}
	/* step: dispatch.returnUnsent. The lease does not cover a call, or the key that
	   protects it has grown old in hand. */
	:: atomic {
		(hand[AT(w, i)] == HELD || hand[AT(w, i)] == RESEND) && (!IS_LIVE(w, i) || OUTLIVED(w, i)) ->
		printf("return: worker %d has operation %d no longer\n", w, i);
		hand[AT(w, i)] = UNSENT
	}
	/* step: ledger.Store.Renew. The database's answer lacks the row: it is lost.
	   (A renewal that works changes nothing here: a lease ends only by a fault.) */
	:: atomic {
		(hand[AT(w, i)] == HELD || hand[AT(w, i)] == RESEND) && live[AT(w, i)] && !HOLDS(w, i) && !KEEPS_LOST_ROW ->
		printf("renew: worker %d does not get operation %d back and drops it\n", w, i);
		drop(w, i)
	}
	/* step: ledger.Store.Confirm. No lease is asked for: what was heard is true. */
	:: atomic {
		(hand[AT(w, i)] == HEARD || hand[AT(w, i)] == SEEN) && !POISONED(w) ->
		printf("confirm: worker %d posts operation %d\n", w, i);
		confirm(w, i); drop(w, i)
	}
	/* sabotage: the posting is written before the call */
	:: atomic {
		POSTS_FIRST && hand[AT(w, i)] == HELD -> confirm(w, i); drop(w, i)
	}
	/* step: ledger.Store.Settle. Unclear: in doubt. */
	:: atomic {
		hand[AT(w, i)] == UNCLEAR ->
		if
		:: MAY_SETTLE(w, i) ->
			printf("settle: worker %d gives operation %d back in doubt\n", w, i);
			db.doubt[i] = 1; not_quiet(i); end_lease(i); use_attempt(i)
		:: else -> printf("settle: worker %d comes too late for operation %d\n", w, i)
		fi;
		drop(w, i)
	}
	/* step: ledger.Store.Settle. Refused: a person decides; doubt stays. */
	:: atomic {
		hand[AT(w, i)] == REFUSED ->
		if
		:: MAY_SETTLE(w, i) ->
			printf("settle: worker %d parks operation %d as refused\n", w, i);
			end_lease(i); db.row[i] = PARKED
		:: else
		fi;
		drop(w, i)
	}
	/* step: ledger.Store.Settle. Nothing was sent by this claim. */
	:: atomic {
		hand[AT(w, i)] == UNSENT ->
		if
		:: MAY_SETTLE(w, i) ->
			printf("settle: worker %d gives operation %d back unsent\n", w, i);
			end_lease(i); db.row[i] = PENDING
		:: else
		fi;
		drop(w, i)
	}
	/* step: ledger.Store.Settle. The records prove nothing: read again later, and
	   in the end a person. */
	:: atomic {
		hand[AT(w, i)] == NOT_KNOWN ->
		if
		:: MAY_SETTLE(w, i) ->
			printf("settle: worker %d gives operation %d back, nothing is proven\n", w, i);
			end_lease(i);
			if
			:: GOES_ROUND -> db.row[i] = PENDING
			:: else -> use_attempt(i)
			fi
		:: else
		fi;
		drop(w, i)
	}
	/* step: ledger.Store.Settle. A record may be it: a person decides. */
	:: atomic {
		hand[AT(w, i)] == PERHAPS ->
		if
		:: MAY_SETTLE(w, i) ->
			printf("settle: worker %d parks operation %d with the records that may be it\n", w, i);
			end_lease(i); db.row[i] = PARKED
		:: else
		fi;
		drop(w, i)
	}
	/* step: ledger.Store.ClearDoubt. It must still have the row. */
	:: atomic {
		hand[AT(w, i)] == PROVEN_ABSENT ->
		if
		:: HOLDS(w, i) ->
			printf("clear: worker %d ends the doubt of operation %d: not applied\n", w, i);
			promise_absence_is_true(i);
			db.doubt[i] = 0; held_doubt[AT(w, i)] = 0; hand[AT(w, i)] = HELD;
			called[i] = 0; key_old[i] = 0
		:: else -> drop(w, i)
		fi
	}
	/* step: ledger.Store.Rescue. Its lease is over by the database's clock, and was
	   seen unchanged for a lease by this worker's own. */
	:: atomic {
		admitted[w] && db.row[i] == SENDING && db.over[i] && IS_DEAD(w, i) ->
		printf("rescue: worker %d takes operation %d back, in doubt\n", w, i);
		end_lease(i); db.doubt[i] = 1; not_quiet(i); use_attempt(i)
	}
	/* step: ledger.Store.ParkForgotten. Only the key protects it, and it is old. */
	:: atomic {
		admitted[w] && w == 0 && db.row[i] == PENDING && db.doubt[i] && !VERIFIES && (key_old[i] || !HONOURED) ->
		printf("sweep: operation %d is parked, its key may be forgotten\n", i);
		db.row[i] = PARKED
	}
	od
}
