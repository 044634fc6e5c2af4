/* The life of one sale's points: given, netted, taken back, released. README.md
   explains how to read and run it. */

#include "life_state.pml"
#include "life_switches.pml"
#include "life_promises.pml"
#include "life_record.pml"
#include "life_send.pml"

proctype LifeRest() {
	timeout -> atomic { promises_of_rest() }
}

init {
	byte i, w;
	atomic {
		for (i : 0 .. N - 1) {
			if
			:: fact[i] = COMING
			:: fact[i] = NEVER
			fi;
			run Person(i); run Call(i);
			for (w : 0 .. WORKERS - 1) { run Hand(w, i) }
		}
		for (w : 0 .. WORKERS - 1) {
			run Sale(w);
			for (i : 1 .. N - 1) { run Refers(w, i) }
		}
		i = 0; w = 0;
		run Troubles();
		run LifeRest()
	}
}
