/* The variables of the third model, the seal, and what may go wrong how often. */

/* rows that are recorded, sealers, and how often each begins */
#ifndef ROWS
#define ROWS 2
#endif
#ifndef SEALERS
#define SEALERS 2
#endif
#ifndef RUNS
#define RUNS 2
#endif
/* the last moment; a transaction lasts one at most, and the window of a batch reaches two back */
#ifndef LAST
#define LAST 3
#endif
#define WINDOW 2
/* a run of a sealer may make two batches */
#ifndef OVERFULL
#define OVERFULL 0
#endif
/* readings by a verifier */
#ifndef LOOKS
#define LOOKS 1
#endif
/* the database goes back to an earlier state, or somebody takes its newest rows away */
#ifndef ROLLBACKS
#define ROLLBACKS 0
#endif

#define MOST 12

/* The database, as far as the seal goes. A batch's hash is its identity: no two have one. */
typedef Ledger {
	byte head;
	byte hash[MOST];
	byte noted;          /* the hash of a lost head that a batch names */
	bit sealed;          /* a batch was made, at complete */
	byte complete;
	bit row[ROWS];
	bit listed[ROWS]
};

Ledger db, snap;
byte out_number, out_hash;   /* the head outside */
byte made;                   /* batches that were ever made */
byte now;
byte at[ROWS];               /* when each row says that it was recorded */
byte era;                    /* counts rollbacks: a transaction does not outlive one */
byte born[ROWS];
bit kept;                    /* there is a snapshot */
bit known_lost;              /* the head outside was of a batch that a rollback took */
byte k;

inline copy(to, from) {
	to.head = from.head; to.noted = from.noted; to.sealed = from.sealed; to.complete = from.complete;
	for (k : 0 .. MOST - 1) { to.hash[k] = from.hash[k] }
	for (k : 0 .. ROWS - 1) { to.row[k] = from.row[k]; to.listed[k] = from.listed[k] }
	k = 0
}
