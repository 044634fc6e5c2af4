/* The seal: rows that are listed in batches, a head outside, and who compares both.
   README.md explains how to read and run it. */

#include "seal_state.pml"
#include "seal_switches.pml"

#define IS_KNOWN(number, hash_of) (number == 0 || db.hash[number] == hash_of || db.noted == hash_of)

proctype Writer(byte i) {
	/* step: ledger.Store.Record. The row has the time at which its transaction began, and is there when that ends. */
	atomic { at[i] = now; born[i] = era; printf("record: row %d begins at %d\n", i, now) };
	if
	:: atomic { MAY_COMMIT(i) -> db.row[i] = 1; printf("record: row %d commits at %d\n", i, now) }
	:: atomic { printf("record: row %d is given up\n", i) }
	fi
}

inline make_batch(w) {
	/* step: seal.Sealer.Seal. A batch is one transaction, under the lock. */
	number = db.head + 1;
	if
	:: !IS_KNOWN(seen_number, seen_hash) ->
		number = (seen_number >= number -> seen_number + 1 : number);
		db.noted = seen_hash;
		printf("seal: sealer %d finds that batch %d outside is lost\n", w, seen_number)
	:: else
	fi;
	made++;
	db.head = number; db.hash[number] = made;
	for (k : 0 .. ROWS - 1) {
		if
		:: db.row[k] && !db.listed[k] && IS_ABOVE(k) && IN_WINDOW(k) ->
			db.listed[k] = 1; printf("seal: batch %d lists row %d\n", number, k)
		:: else
		fi
	}
	k = 0;
	db.sealed = 1; db.complete = now;
	seen_number = 0; seen_hash = 0;
	mine_number = number; mine_hash = made; number = 0;
	printf("seal: sealer %d makes batch %d at %d\n", w, mine_number, now)
}

proctype Sealer(byte w) {
	byte runs, seen_number, seen_hash, over_number, over_hash, mine_number, mine_hash, number;
	do
	:: runs < RUNS ->
		/* step: seal.Sealer.Seal. It reads the head outside first. */
		atomic {
			runs++; seen_number = out_number; seen_hash = out_hash;
			printf("seal: sealer %d reads batch %d outside\n", w, out_number)
		};
		if
		:: atomic { HEAD_FIRST -> out_number = db.head + 1; out_hash = made + 1; printf("sabotage: the head goes out before the batch\n") }
		:: atomic { !HEAD_FIRST -> skip }
		fi;
		if
		:: atomic { make_batch(w) }
		:: atomic { printf("seal: sealer %d ends before its batch\n", w) } -> goto next
		fi;
		/* what is over goes into the next batch */
		if
		:: atomic { OVERFULL && made < RUNS * SEALERS + 1 -> make_batch(w) }
		:: atomic { skip }
		fi;
		if
		:: atomic {
			/* step: continuity.SealHeads.RaiseSeal. It looks again, in the database too, and then compares and sets. */
			MAY_RAISE_OVER(out_number, out_hash) && out_number < mine_number ->
			over_number = out_number; over_hash = out_hash
		   };
		   if
		   :: atomic {
			out_number == over_number && out_hash == over_hash ->
			out_number = mine_number; out_hash = mine_hash;
			printf("seal: sealer %d raises the head outside to batch %d\n", w, mine_number)
		      }
		   :: atomic { else -> printf("seal: sealer %d leaves the head outside to another\n", w) }
		   fi
		:: atomic { printf("seal: sealer %d ends before the head is raised\n", w) }
		fi;
next:		atomic { over_number = 0; over_hash = 0; mine_number = 0; mine_hash = 0; seen_number = 0; seen_hash = 0 }
	:: else -> break
	od
}

inline compare() {
	/* step: seal.Verifier.Verify. */
	if
	:: !IS_KNOWN(sees_number, sees_hash) && !era ->
		printf("PROMISE BROKEN no_false_alarm: batch %d outside is taken for a loss\n", sees_number); assert(false)
	:: else
	fi;
	for (k : 0 .. ROWS - 1) {
		if
		:: sees[k] && !lists[k] && sealed && at[k] + WINDOW < complete ->
			printf("PROMISE BROKEN no_false_alarm: row %d is taken for one that was inserted later\n", k); assert(false)
		:: else
		fi
	}
	for (k : 0 .. ROWS - 1) { sees[k] = 0; lists[k] = 0 }
	k = 0; sealed = 0; complete = 0; sees_number = 0; sees_hash = 0
}

/* The database is read at once here, what the chain lists and the rows. */
inline read_database() {
	for (k : 0 .. ROWS - 1) { sees[k] = db.row[k]; lists[k] = db.listed[k] }
	k = 0;
	sealed = db.sealed; complete = db.complete
}

proctype Verifier() {
	byte looks, sees_number, sees_hash, complete, held;
	bit sees[ROWS], lists[ROWS], sealed;
	do
	:: looks < LOOKS ->
		looks++;
		if
		:: DATABASE_FIRST -> /* what it read of the database then is what the head is held against */
			atomic { held = db.head };
			atomic {
				if
				:: out_number > held && !era -> printf("PROMISE BROKEN no_false_alarm: batch %d outside is taken for a loss\n", out_number); assert(false)
				:: else
				fi;
				held = 0
			}
		:: else ->
			atomic { sees_number = out_number; sees_hash = out_hash; printf("verify: reads batch %d outside\n", out_number) };
			atomic { read_database(); compare() }
		fi
	:: else -> break
	od
}

proctype Faults() {
	if
	:: ROLLBACKS > 0 ->
		atomic { copy(snap, db); kept = 1; printf("fault: a snapshot is taken at %d\n", now) };
		atomic {
			known_lost = (out_number != 0 && snap.hash[out_number] != out_hash);
			copy(db, snap); era++;
			printf("fault: the database goes back to the snapshot\n")
		}
	:: else
	fi
}

proctype Time() {
	do
	:: atomic { now < LAST -> now++; printf("time: it is %d\n", now) }
	:: now == LAST -> break
	od
}

proctype Rest() {
	timeout -> atomic {
		if
		:: known_lost && db.hash[out_number] == out_hash && db.noted == 0 ->
			printf("PROMISE BROKEN loss_is_told: nothing tells that batches are lost\n"); assert(false)
		:: else
		fi
	}
}

init {
	byte i;
	atomic {
		for (i : 0 .. ROWS - 1) { run Writer(i) }
		for (i : 0 .. SEALERS - 1) { run Sealer(i) }
		i = 0;
		run Verifier(); run Faults(); run Time(); run Rest()
	}
}
