/* From the ledger to the vendor and back, what lets a take-back go, persons, faults. */

inline drop(i) {
	call[i] = NOT; by[i] = 0;
	if
	:: i == 0 -> carries = 0
	:: else
	fi
}

/* What was heard is true, whoever has the row. */
inline confirm(i) {
	if
	:: row[i] != CLOSED -> row[i] = CLOSED; posting[i] = POSTED
	:: row[i] == CLOSED && i == 0 && posting[0] == VOIDED -> corrected = 1
	:: else
	fi
}

inline settle(i, state) {
	if
	:: row[i] == SENDING -> row[i] = state
	:: else                      /* somebody else has ended it */
	fi;
	drop(i)
}

proctype Hand(byte w; byte i) {
end:
	do
	/* step: ledger.Store.Claim. What waits for another operation is not due. */
	:: atomic { IS_DUE(i) && call[i] == NOT ->
		printf("claim: worker %d takes operation %d\n", w, i);
		lease(w, i) }
	/* step: dispatch.Dispatcher.send */
	:: atomic { by[i] == w + 1 && call[i] == IN_HAND ->
		printf("send: worker %d calls for operation %d\n", w, i);
		call[i] = CALLING }
	/* step: ledger.Store.Confirm */
	:: atomic { by[i] == w + 1 && call[i] == HEARD ->
		printf("confirm: worker %d posts operation %d\n", w, i);
		confirm(i); drop(i) }
	/* step: ledger.Store.Confirm. By one that has lost the row. */
	:: atomic { late[i] == w + 1 ->
		printf("confirm: worker %d says late that operation %d is applied\n", w, i);
		late[i] = 0; confirm(i) }
	/* step: ledger.Store.Settle. In doubt: it goes again, under its key. */
	:: atomic { by[i] == w + 1 && call[i] == UNCLEAR ->
		printf("settle: worker %d gives operation %d back in doubt\n", w, i);
		if
		:: i == 0 -> sale_was = DOUBTED
		:: else
		fi;
		settle(i, PENDING) }
	/* step: ledger.Store.Settle. It had no effect: no attempt is used, but the vendor may
	   have seen the key with these points. */
	:: atomic { by[i] == w + 1 && call[i] == UNSENT ->
		printf("settle: worker %d gives operation %d back unsent\n", w, i);
		if
		:: i == 0 && row[0] == SENDING && sale_was == SENT -> sale_was = AFTER_TURNING_AWAY
		:: else
		fi;
		settle(i, PENDING) }
	/* step: ledger.Store.Settle */
	:: atomic { by[i] == w + 1 && call[i] == REFUSED ->
		printf("settle: worker %d parks operation %d as refused\n", w, i);
		settle(i, PARKED) }
	/* step: waiting.Waiting.ReleaseTakeBacks. What the sale gave has ended: what takes it
	   back goes, is left to a person where the vendor has no call, or has nothing to take. */
	:: atomic { w == 0 && i > 0 && row[i] == WAITS && posting[0] != NOTHING ->
		if
		:: GIVES_NOTHING ->
			printf("release: operation %d has nothing to take back\n", i);
			row[i] = CLOSED; posting[i] = NO_NEED
		:: !GIVES_NOTHING && OFFERED ->
			printf("release: operation %d may go\n", i);
			row[i] = PENDING
		:: !GIVES_NOTHING && !OFFERED ->
			printf("release: operation %d is for a person, the vendor has no call\n", i);
			row[i] = PARKED; for_person[i] = 1
		fi }
	od
}

/* A vendor that compares a repeat with what it saw first refuses another number. */
inline see(i) {
	if
	:: i == 0 && seen != 0 && seen != carries ->
		printf("PROMISE BROKEN same_key_and_parameters: the sale's key comes with %d points, and came with %d\n", carries, seen); assert(false)
	:: i == 0 && seen == 0 -> seen = carries
	:: else
	fi
}

inline apply(i) {
	see(i);
	if
	:: applied[i]                /* it knows the key */
	:: else ->
		applied[i] = 1;
		if
		:: i == 0 -> balance = balance + carries
		:: else -> balance = balance - points[i]; taken_back++; promises_of_taking(i)
		fi
	fi
}

inline answer(i, what) {
	if
	:: by[i] == 0 -> drop(i)     /* nobody listens */
	:: else -> call[i] = what
	fi
}

/* The vendor, and time. A request arrives before the lease ends, or never. */
proctype Call(byte i) {
end:
	do
	/* step: vendorapi.Applied, vendorapi.AlreadyApplied */
	:: atomic { call[i] == CALLING ->
		printf("vendor: applies operation %d and says so\n", i);
		apply(i); answer(i, HEARD) }
	/* step: vendorapi.Unknown */
	:: atomic { call[i] == CALLING && (lost_calls > 0 || by[i] == 0) ->
		if
		:: by[i] != 0 -> lost_calls--
		:: else
		fi;
		printf("vendor: does not get the call for operation %d\n", i);
		answer(i, UNCLEAR) }
	/* step: vendorapi.Unknown */
	:: atomic { call[i] == CALLING && lost_calls > 0 && by[i] != 0 ->
		lost_calls--;
		printf("vendor: applies operation %d and is silent\n", i);
		apply(i); answer(i, UNCLEAR) }
	/* step: vendorapi.NotSent, vendorapi.Throttled */
	:: atomic { call[i] == CALLING && not_sent > 0 && by[i] != 0 ->
		not_sent--;
		printf("vendor: turns the call for operation %d away\n", i);
		see(i); answer(i, UNSENT) }
	/* step: vendorapi.Refused. What it has applied it does not refuse. */
	:: atomic { call[i] == CALLING && refused_calls > 0 && by[i] != 0 && !applied[i] ->
		refused_calls--;
		printf("vendor: refuses operation %d\n", i);
		see(i); answer(i, REFUSED) }
	/* step: ledger.Store.Rescue. The lease has ended: its worker is dead, or sleeps. */
	:: atomic { row[i] == SENDING && call[i] != CALLING && (by[i] == 0 || pauses > 0) ->
		if
		:: by[i] != 0 -> pauses--
		:: else
		fi;
		printf("rescue: operation %d is taken from worker %d (-1: a dead one)\n", i, by[i] - 1);
		if
		:: call[i] == HEARD -> late[i] = by[i]
		:: else
		fi;
		if
		:: i == 0 -> sale_was = DOUBTED
		:: else
		fi;
		row[i] = PENDING; drop(i) }
	/* the hold is over */
	:: atomic { i == 0 && row[0] == HELD ->
		printf("time: the sale is due\n");
		row[0] = PENDING }
	od
}

proctype Person(byte i) {
end:
	do
	/* step: desk.PlanRun.PutBack, desk.leaveOutTx. What was sent before stays known as
	   sent. What is for a person is never put back; if it were, it would wait for its freeze. */
	:: atomic { returns > 0 && row[i] == PARKED && MAY_RETURN(i) ->
		returns--;
		printf("person: puts operation %d back\n", i);
		row[i] = (for_person[i] -> WAITS : PENDING); for_person[i] = 0 }
	/* step: desk.PlanRun.VoidBatch, workitems.Items.Settle */
	:: atomic { give_ups > 0 && row[i] == PARKED ->
		give_ups--;
		printf("person: gives operation %d up\n", i);
		row[i] = CLOSED; posting[i] = VOIDED; for_person[i] = 0 }
	/* step: desk.Desk.SettleByHand, workitems.Items.Settle. The vendor has no call: it is
	   done in its back office. */
	:: atomic { !OFFERED && i > 0 && row[i] == PARKED ->
		printf("person: takes operation %d back in the back office, and says so\n", i);
		apply(i); row[i] = CLOSED; posting[i] = BY_HAND; for_person[i] = 0 }
	od
}

inline forget_hands(w) {
	for (k : 0 .. N - 1) {
		if
		:: by[k] == w + 1 && call[k] == CALLING -> by[k] = 0
		:: by[k] == w + 1 && call[k] != CALLING -> drop(k)
		:: else
		fi;
		if
		:: late[k] == w + 1 -> late[k] = 0
		:: else
		fi
	}
	k = 0
}

proctype Troubles() {
end:
	do
	:: atomic { kills > 0 -> kills--; printf("fault: worker 0 is killed\n"); forget_transaction(0); forget_hands(0) }
	:: atomic { kills > 0 -> kills--; printf("fault: worker 1 is killed\n"); forget_transaction(1); forget_hands(1) }
	/* no further fault: everything must come to rest now */
	:: atomic { kills + pauses + repeats + lost_calls + not_sent + refused_calls + skipped_locks + returns + give_ups > 0 ->
		kills = 0; pauses = 0; repeats = 0; lost_calls = 0; not_sent = 0; refused_calls = 0; skipped_locks = 0; returns = 0; give_ups = 0;
		printf("peace: no further fault\n") }
	od
}
