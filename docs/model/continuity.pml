/* Is this the same database? One worker's keeper, and its witness. */

inline is_missing(i, yes) {
	yes = (db.row[i] == NONE && !(ONE_FACT && db.row[OPS - 1 - i] != NONE))
}

/* Every open row is in doubt, and rests for the longest lease: what waits is not
   claimed, and what is in hand is not quiet. */
inline doubt_open() {
	for (k : 0 .. OPS - 1) {
		if
		:: db.row[k] == PENDING || db.row[k] == PARKED -> db.doubt[k] = 1; db.rests[k] = RESTS; not_quiet(k)
		:: db.row[k] == SENDING -> db.doubt[k] = 1; db.rests[k] = RESTS; not_quiet(k); watch[AT(0, k)] = 0; watch[AT(1, k)] = 0; db.over[k] = 0
		:: else
		fi
	}
	k = 0
}

proctype Keeper(byte w) {
	bit lost, missing;
end:
	do
	/* step: continuity.Keeper.look. The connection is made, then the witness is
	   read, then the database on that connection. */
	:: atomic {
		!admitted[w] && look[w] == 0 && beat[w] == 0 ->
		read_counter[w] = (DATABASE_FIRST -> db.counter : witness);
		look[w] = 1
	}
	/* step: continuity.Keeper.decide. The guard opens, or the loss is known. */
	:: atomic {
		look[w] == 1 && look[1 - w] < 2 ->
		lost = db.timeline != timeline || WITNESS_IS_AHEAD(w);
		for (k : 0 .. OPS - 1) {
			is_missing(k, missing);
			lost = lost || (acked[k] && missing)
		}
		k = 0;
		if
		:: lost ->
			promise_no_false_alarm();
			printf("keeper: worker %d sees that commits are lost\n", w);
			look[w] = 2;
			/* step: continuity.DoubtOpen */
			doubt_open()
		:: else -> admitted[w] = 1; look[w] = 0; read_counter[w] = 0
		fi;
		lost = 0; missing = 0
	}
	/* step: ledger.Store.RecordRebuilt. What is missing is read again, in doubt: up
	   to the last event that was delivered, or all when the durable is gone. */
	:: atomic {
		look[w] == 2 ->
		for (k : 0 .. OPS - 1) {
			is_missing(k, missing);
			if
			:: missing && READS_AGAIN(k) ->
				printf("keeper: worker %d records operation %d again, in doubt\n", w, k);
				db.row[k] = PENDING; db.doubt[k] = 1; db.rests[k] = RESTS; not_quiet(k)
			:: else
			fi
		}
		k = 0; missing = 0; look[w] = 3
	}
	/* step: continuity.Session.Remember. The counter is set above the witness's. */
	:: atomic {
		look[w] == 3 ->
		printf("keeper: worker %d has mended the ledger\n", w);
		db.timeline = timeline;
		if
		:: SETS_COUNTER && read_counter[w] >= db.counter -> db.counter = read_counter[w] + 1
		:: else -> skip
		fi;
		beat[w] = db.counter; look[w] = 0; read_counter[w] = 0
	}
	/* step: continuity.Session.Beat. The database first. */
	:: atomic {
		admitted[w] && beats > 0 && beat[w] == 0 ->
		beats--;
		db.counter++; beat[w] = db.counter;
		printf("keeper: worker %d counts to %d in the database\n", w, beat[w])
	}
	/* step: continuity.witness.testify, continuity.Session.Raise. Then the
	   witness, upwards only. */
	:: atomic {
		beat[w] != 0 ->
		if
		:: beat[w] > witness -> witness = beat[w]
		:: else
		fi;
		printf("keeper: the witness of worker %d is at %d\n", w, witness);
		beat[w] = 0
	}
	od
}
