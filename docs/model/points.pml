/* The way of points from an event to the vendor, as a model that a program
   explores in every order. README.md explains how to read and run it. */

#include "state.pml"
#include "switches.pml"
#include "promises.pml"
#include "vendor.pml"
#include "proof.pml"
#include "dispatch.pml"
#include "intake.pml"
#include "continuity.pml"
#include "person.pml"
#include "faults.pml"

/* Nothing else can happen: what must hold then. */
proctype Rest() {
	byte i;
	timeout ->
	atomic {
		for (i : 0 .. OPS - 1) { promises_at_rest(i) }
		i = 0
	}
}

init {
	byte i, w, c;
	atomic {
		for (i : 0 .. OPS - 1) {
			old_record[i] = OLD_RECORD;
			if
			:: IN_LEDGER -> acked[i] = 1; delivered[i] = 1; db.row[i] = PENDING
			:: else
			fi;
			for (w : 0 .. WORKERS - 1 - ALONE) {
				run Intake(w, i); run Hand(w, i); run Vendor(w, i);
				for (c : 0 .. COPIES - 1) { run Scan(w, i, c) }
			}
			for (c : 0 .. COPIES - 1) { run Records(i, c) }
			run Person(i);
			run Clock(i)
		}
		for (w : 0 .. WORKERS - 1 - ALONE) { admitted[w] = 1; run Keeper(w) }
		run Faults();
		run Rest()
	}
}
