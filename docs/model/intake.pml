/* From the broker into the ledger: one worker, one event. */

proctype Intake(byte w; byte i) {
end:
	do
	/* step: consumers.Runner.fetchOnce. An event that nobody has in hand comes by
	   itself; one that another worker still has, after the ack wait. */
	:: atomic {
		batch[AT(w, i)] == EMPTY && !acked[i] && (batch[AT(1 - w, i)] == EMPTY || redeliveries > 0) ->
		if
		:: batch[AT(1 - w, i)] != EMPTY -> redeliveries--
		:: else
		fi;
		printf("fetch: worker %d gets event %d\n", w, i);
		batch[AT(w, i)] = FETCHED; delivered[i] = 1
	}
	/* step: ledger.Store.Record. The operation waits for a claim. */
	:: atomic {
		batch[AT(w, i)] == FETCHED && admitted[w] && IS_NEW(i) ->
		printf("record: worker %d records operation %d\n", w, i);
		db.row[i] = PENDING; batch[AT(w, i)] = RECORDED
	}
	/* step: ledger.Store.Record. Its key, or its fact, is known. */
	:: atomic {
		batch[AT(w, i)] == FETCHED && admitted[w] && !IS_NEW(i) ->
		printf("record: worker %d finds event %d recorded\n", w, i);
		batch[AT(w, i)] = RECORDED
	}
	/* step: ledger.Store.RecordLeased. The operation is handed over in memory. */
	:: atomic {
		batch[AT(w, i)] == FETCHED && admitted[w] && IS_NEW(i) && hand[AT(w, i)] == NOT && !wire[AT(w, i)] ->
		printf("record: worker %d records operation %d and keeps it in hand\n", w, i);
		db.row[i] = SENDING; take(w, i); batch[AT(w, i)] = RECORDED
	}
	/* step: ledger.Store.RecordLeased. The answer to the commit is lost: the row
	   has a lease, and is in nobody's hand. */
	:: atomic {
		batch[AT(w, i)] == FETCHED && admitted[w] && IS_NEW(i) && lost_answers > 0 ->
		lost_answers--;
		printf("record: worker %d records operation %d and does not hear of it\n", w, i);
		db.row[i] = SENDING; db.token[i] = w + 1; db.over[i] = 0
	}
	/* step: consumers.Runner.acknowledge. Only after the commit. */
	:: atomic {
		MAY_ACK(batch[AT(w, i)]) ->
		printf("ack: worker %d acknowledges event %d\n", w, i);
		acked[i] = 1; batch[AT(w, i)] = EMPTY
	}
	od
}
