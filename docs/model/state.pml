/* What there is: the ledger, the broker, the vendor, what workers have in mind.
   A state of the model is one value of all these variables. */

#define WORKERS 2

/* --- How large the world is, and what may go wrong in it. A configuration
   (configurations.txt) sets these; every number is how often it may happen. */
#ifndef OPS
#define OPS 1                /* operations, each of an event of its own */
#endif
#ifndef ALONE
#define ALONE 0              /* 1: the second worker never starts */
#endif
#ifndef IN_LEDGER
#define IN_LEDGER 0          /* 1: the events were recorded and acknowledged before */
#endif
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2       /* a row that used so many is parked */
#endif
#ifndef FORGETS
#define FORGETS 1            /* the vendor applies a repeated key again */
#endif
#ifndef VERIFIES
#define VERIFIES 1           /* in_doubt: verify; 0 is resend */
#endif
#ifndef HONOURED
#define HONOURED 0           /* keys: honoured */
#endif
#ifndef SAME_MEMBER
#define SAME_MEMBER 1        /* all operations are of one member */
#endif
#ifndef OLD_RECORD
#define OLD_RECORD 1         /* the members have records from before */
#endif
#ifndef COPIES
#define COPIES 1             /* the vendor reads records from so many copies */
#endif
#ifndef LAG_BOUND
#define LAG_BOUND 0          /* 1: no record lags longer than the known lag says */
#endif
#ifndef IN_ORDER
#define IN_ORDER 1           /* a copy shows records in the order of their calls */
#endif
#ifndef ONE_FACT
#define ONE_FACT 0           /* operations 0 and 1 are of one fact, by two rule sets */
#endif
#ifndef BORROWED
#define BORROWED 0           /* the text of 1 has the reference of 0 before its own */
#endif
#ifndef CRASHES
#define CRASHES 0            /* a worker is killed */
#endif
#ifndef STALLS
#define STALLS 0             /* a worker sleeps past a lease */
#endif
#ifndef REDELIVERIES
#define REDELIVERIES 0       /* the broker gives an event to a second worker */
#endif
#ifndef LOST_ANSWERS
#define LOST_ANSWERS 0       /* a commit whose answer is lost */
#endif
#ifndef SILENCES
#define SILENCES 0           /* a call without an answer, applied or not */
#endif
#ifndef REFUSALS
#define REFUSALS 0           /* the vendor refuses a call */
#endif
#ifndef TURNED_AWAY
#define TURNED_AWAY 0        /* a call that surely had no effect: pace, credentials */
#endif
#ifndef PAGES_OF_HTML
#define PAGES_OF_HTML 0      /* a firewall answers 200 in the vendor's place */
#endif
#ifndef CLOCK_STEPS
#define CLOCK_STEPS 0        /* the database's clock jumps over the end of a lease, or of a wait */
#endif
#ifndef FAILOVERS
#define FAILOVERS 0          /* a standby without the newest commits takes over */
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 0          /* the disk is put back to a snapshot */
#endif
#ifndef BEATS
#define BEATS 0              /* a keeper counts up */
#endif
#ifndef DURABLES_LOST
#define DURABLES_LOST 0      /* the consumer is gone, its acks with it */
#endif
#ifndef KEYS_AGE
#define KEYS_AGE 0           /* key_memory goes by */
#endif
#ifndef MUTES
#define MUTES 0              /* the vendor stops showing reasons, or begins again */
#endif
#ifndef EMPTY_LISTS
#define EMPTY_LISTS 0        /* data: [] though there are records */
#endif
#ifndef CUTS
#define CUTS 0               /* a reading at a vendor that has begun to show the newest record alone */
#endif
#ifndef PARTS
#define PARTS 0              /* a reading that lacks a page */
#endif
#ifndef SHORT_HISTORY
#define SHORT_HISTORY 0      /* old records leave the list */
#endif
#ifndef SPENDS
#define SPENDS 0             /* a member spends all points */
#endif
#ifndef PUT_BACKS
#define PUT_BACKS 0          /* a person puts a parked row back */
#endif
#ifndef VOIDS
#define VOIDS 0              /* a person gives a parked row up */
#endif
#ifndef HAND_SETTLEMENTS
#define HAND_SETTLEMENTS 0   /* a person says that it arrived, rightly or not */
#endif
#ifndef STRAY_ROWS
#define STRAY_ROWS 0         /* somebody inserts a posted operation into the outbox */
#endif
byte crashes = CRASHES, stalls = STALLS, redeliveries = REDELIVERIES, lost_answers = LOST_ANSWERS, silences = SILENCES,
	refusals = REFUSALS, turned_away = TURNED_AWAY, html = PAGES_OF_HTML, clock_steps = CLOCK_STEPS, failovers = FAILOVERS,
	rollbacks = ROLLBACKS, beats = BEATS, durables_lost = DURABLES_LOST, keys_age = KEYS_AGE, mutes = MUTES,
	empty_lists = EMPTY_LISTS, cuts = CUTS, parts = PARTS, short_history = SHORT_HISTORY, spends = SPENDS, put_backs = PUT_BACKS,
	voids = VOIDS, hand_settlements = HAND_SETTLEMENTS, stray_rows = STRAY_ROWS;

/* --- The database. */
#define NONE 0               /* not recorded */
#define PENDING 1
#define SENDING 2
#define PARKED 3
#define CLOSED 4             /* left the outbox: there is a posting */

#define NOTHING 0            /* no posting */
#define POSTED 1             /* by the vendor's word */
#define BY_HAND 2            /* by a person's */
#define VOIDED 3

typedef Ledger {
	byte row[OPS];
	bit doubt[OPS];
	byte token[OPS];         /* 0: no lease; w+1: worker w's */
	bit over[OPS];           /* the lease has ended by the database's clock */
	bit rests[OPS];          /* not claimed before the longest lease went by */
	byte attempts[OPS];
	byte posting[OPS];
	bit corrected[OPS];      /* applied after a void */
	byte counter;            /* what the witness is compared with */
	byte timeline            /* as the identity row remembers it */
}
Ledger db;                   /* what the workers write to */
Ledger copy;                 /* a standby, or a snapshot of the disk */
bit copied;
byte timeline;               /* of the server that answers */

/* --- The broker. */
bit acked[OPS];
bit delivered[OPS];          /* at least once, by the durable's own count */
bit durable_lost;            /* its count begins again */
byte witness;                /* the counter in the key-value bucket */

/* --- The vendor. */
byte times[OPS];             /* how often it applied the operation: the truth */
bit remembered[OPS];         /* it knows the key */
bit mute;                    /* it shows no reasons now */
bit nameless[OPS];           /* the record was made while it was mute */
bit shown[COPIES * OPS];     /* a copy has the record */
bit before[OPS * OPS];       /* applied before that one */
bit old_record[OPS];         /* per member: a record from before all calls is listed */
bit gone[OPS];               /* the record fell out of a short history */
bit spent[OPS];              /* per member */
#define SHOWN(c, i) shown[(c) * OPS + (i)]
#define BEFORE(i, j) before[(i) * OPS + (j)]
#define MEMBER(i) (SAME_MEMBER -> 0 : (i))

/* --- What a worker has in mind: lost when it is killed. */
#define AT(w, i) ((w) * OPS + (i))
#define EMPTY 0
#define FETCHED 1
#define RECORDED 2
byte batch[WORKERS * OPS];   /* an event in hand */

#define NOT 0
#define HELD 1               /* claimed, nothing sent by this claim */
#define RESEND 2             /* in doubt, and its key protects a second call */
#define CALLING 3
#define HEARD 4              /* the vendor's word that it is applied */
#define SEEN 5               /* its record was read */
#define UNCLEAR 6
#define REFUSED 7
#define UNSENT 8
#define PROVEN_ABSENT 9      /* read, with its control */
#define NOT_KNOWN 10         /* read, nothing proven */
#define PERHAPS 11           /* read: a record may be it */
byte hand[WORKERS * OPS];
bit held_doubt[WORKERS * OPS]; /* the claim said: in doubt */
bit live[WORKERS * OPS];     /* the lease covers a call, by this worker's clock */
bit orphan[WORKERS * OPS];   /* claimed under an id that the database has lost */
bit since_copy[WORKERS * OPS]; /* claimed after the standby or snapshot */
bit unleased[WORKERS * OPS]; /* the database has lost this claim */
byte watch[WORKERS * OPS];   /* 1: saw a lease that is over; 2: unchanged for a lease */

/* The row is this worker's by the database's word. */
#define HOLDS(w, i) (db.row[i] == SENDING && db.token[i] == (w) + 1 && !db.over[i] && !orphan[AT(w, i)] && !unleased[AT(w, i)])

bit admitted[WORKERS];       /* the guard of the worker's connections is open */
byte look[WORKERS];          /* 1: has read the witness; 2: mends; 3: mended */
byte read_counter[WORKERS];  /* what it read there, or here when DATABASE_READ_FIRST */
byte beat[WORKERS];          /* a counter that is in the database, not yet in the witness */

/* --- On the wire: a request that may still arrive. */
bit wire[WORKERS * OPS];
#if WORKERS != 2
#error "UNDER_WAY names two workers"
#endif
#define UNDER_WAY(i) (wire[AT(0, i)] || wire[AT(1, i)])

/* --- What time and readings have told. */
bit called[OPS];             /* a call was made that may have had an effect */
bit key_old[OPS];            /* its key is older than key_memory */
bit lag_over[OPS];           /* since its last call the known lag went by */
bit quiet_over[OPS];         /* ... and quiet_after */
bit clock_owed;              /* the clock was set forward, and doubts still count that as a wait */
bit long_over[OPS];          /* ... and what a short history keeps */
bit after[OPS * OPS];        /* the first's call began when the second's last had ended */
bit sampled[OPS];            /* its record was found, with our reference */
bit empty_before[OPS];       /* since its last call a reading was empty, and the balance 0 */
#define SHOWN_EVERYWHERE(i) (times[i] == 0 || gone[i] || (SHOWN(0, i) && SHOWN(COPIES - 1, i)))
#define AFTER(j, i) after[(j) * OPS + (i)]

/* --- Only for the promises. */
bit heard_applied[OPS];
bit ever_lost;               /* commits were lost */
byte k, l;                   /* loop counters, always 0 between two steps */
