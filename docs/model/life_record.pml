/* From the broker into the ledger: the sale, which locks nothing, and what refers to it. */

inline lease(w, i) {
	row[i] = SENDING; call[i] = IN_HAND; by[i] = w + 1;
	if
	:: i == 0 ->
		carries = points[0];
		if
		:: sale_was == 0 -> sale_was = SENT
		:: else
		fi
	:: else
	fi
}

proctype Sale(byte w) {
end:
	do
	/* step: ledger.Store.Record. It waits for a claim. */
	:: atomic { fact[0] == COMING ->
		printf("record: worker %d records the sale\n", w);
		fact[0] = RECORDED; points[0] = POINTS; row[0] = PENDING }
	/* step: ledger.Store.Record. The rule holds it for a time. */
	:: atomic { fact[0] == COMING && w == 0 ->
		printf("record: the sale is recorded, and held\n");
		fact[0] = RECORDED; points[0] = POINTS; row[0] = HELD }
	/* step: ledger.Store.Record. It is above a budget: a person releases it or gives it up. */
	:: atomic { fact[0] == COMING && w == 0 && returns + give_ups > 0 ->
		printf("record: the sale is recorded, and parked\n");
		fact[0] = RECORDED; points[0] = POINTS; row[0] = PARKED }
	/* step: ledger.Store.RecordLeased. It is handed over in memory. */
	:: atomic { fact[0] == COMING ->
		printf("record: worker %d records the sale and keeps it in hand\n", w);
		fact[0] = RECORDED; points[0] = POINTS; lease(w, 0) }
	od
}

/* The transaction has the lock, and reads what is known. Without a lock it reads as
   much, beside another one. */
inline begin(w, e) {
	if
	:: LOCKS -> locked = w + 1
	:: else
	fi;
	writes[w] = e;
	sees_sale[w] = (fact[0] == RECORDED); sees_known[w] = (fact[e] >= WAITS_FOR_SALE && !joins[w]);
	sees_kept[w] = kept; sees_refunded[w] = refunded; sees_whole[w] = whole; sees_ended[w] = ended
}

inline forget_transaction(w) {
	if
	:: locked == w + 1 -> locked = 0
	:: else
	fi;
	writes[w] = 0; joins[w] = 0; sees_sale[w] = 0; sees_known[w] = 0;
	sees_kept[w] = 0; sees_refunded[w] = 0; sees_whole[w] = 0; sees_ended[w] = 0
}

/* step: ledger.origin.take, ledger.origin.keeps */
inline reckon(w, e) {
	if
	:: IS_COMPLETE(e) ->
		after = sees_kept[w];
		if
		:: FREEZE && !HAS_ENDED(w) -> takes = POINTS; ends = 1
		:: else
		fi
	:: else ->
		if
		:: IS_REFUND(e) && !sees_whole[w] && FREEZE && sees_refunded[w] + 1 < HALVES -> after = sees_kept[w]
		:: IS_REFUND(e) && !sees_whole[w] && !FREEZE -> after = POINTS * (HALVES - sees_refunded[w] - 1) / HALVES
		:: else
		fi;
		takes = sees_kept[w] - after;
		if
		:: FREEZE && takes > 0 -> ends = !HAS_ENDED(w); by_hand = HAS_ENDED(w)
		:: else
		fi
	fi
}

/* step: ledger.lockUnsent. Which of the sale's rows can be lessened: nothing of it was sent,
   nobody has it locked, and nothing was taken of it as if it had been sent. */
inline look_whether_unsent(w, e) {
	open = WAS_NOT_SENT && points[0] == sees_kept[w];
	if
	:: open && skipped_locks > 0 ->
		skipped_locks--; open = 0;
		printf("fault: somebody has the sale's row locked\n")
	:: 1
	fi
}

/* step: ledger.referring.write. Netted, left to a person, waiting, or nothing but a trace. */
inline write_taking(e) {
	fact[e] = RECORDED; points[e] = takes;
	if
	:: takes == 0 -> row[e] = CLOSED; posting[e] = NO_NEED
	:: takes > 0 && open && !IS_COMPLETE(e) ->
		printf("record: event %d lessens by %d what the sale will give\n", e, takes);
		points[0] = points[0] - takes; row[e] = CLOSED; posting[e] = NETTED;
		if
		:: points[0] == 0 -> row[0] = CLOSED; posting[0] = REVERSED
		:: else
		fi
	:: takes > 0 && (!open || IS_COMPLETE(e)) && by_hand ->
		printf("record: event %d is for a person: the freeze has its ending\n", e);
		row[e] = PARKED; for_person[e] = 1
	:: takes > 0 && (!open || IS_COMPLETE(e)) && !by_hand ->
		printf("record: event %d takes %d, and waits until what the sale gave has ended\n", e, takes);
		row[e] = WAITS
	fi;
	kept = after; ended = ended || ends;
	if
	:: IS_REFUND(e) -> refunded++
	:: IS_CANCEL(e) -> whole = 1
	:: else
	fi
}

inline write(w, e) {
	if
	:: sees_known[w] || fact[e] != (joins[w] -> WAITS_FOR_SALE : COMING) ->
		printf("record: worker %d finds event %d recorded\n", w, e)
	:: else ->
		if
		:: !sees_sale[w] ->
			printf("record: worker %d keeps event %d until its sale comes\n", w, e);
			fact[e] = WAITS_FOR_SALE
		:: else ->
			reckon(w, e); look_whether_unsent(w, e); write_taking(e);
			after = 0; takes = 0; ends = 0; by_hand = 0; open = 0
		fi
	fi;
	forget_transaction(w)
}

proctype Refers(byte w; byte e) {
end:
	do
	/* step: ledger.lockOrigins, ledger.readOrigins. The sale is locked before anything
	   is read. An event that is recorded may be delivered again. */
	:: atomic { writes[w] == 0 && (fact[e] == COMING || (fact[e] != NEVER && repeats > 0)) && (locked == 0 || !LOCKS) ->
		if
		:: fact[e] != COMING -> repeats--
		:: else
		fi;
		printf("record: worker %d looks what is known of event %d and its sale\n", w, e);
		begin(w, e) }
	/* step: ledger.Store.RecordJoined. The sweep finds an event whose sale has come, locks
	   the sale, and reads. */
	:: atomic { JOINS && writes[w] == 0 && fact[e] == WAITS_FOR_SALE && fact[0] == RECORDED && (locked == 0 || !LOCKS) ->
		printf("join: worker %d takes event %d, which waited for its sale\n", w, e);
		joins[w] = 1; begin(w, e) }
	/* step: ledger.Store.referTx. It writes and commits. */
	:: atomic { writes[w] == e -> write(w, e) }
	od
}
