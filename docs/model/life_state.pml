/* One sale, what it gave, and what takes it back. A model of its own, so that neither
   multiplies the states of the other: how a call, a lease or a doubt can go wrong is
   the other one's. A state is one value of all these variables. */

/* --- How large the world is, and what may go wrong in it, as in state.pml. */
#ifndef REFUNDS
#define REFUNDS 2            /* refunds, each of half of what was paid; 2 at most */
#endif
#ifndef CANCELS
#define CANCELS 1            /* cancellations */
#endif
#ifndef COMPLETES
#define COMPLETES 0          /* completions: frozen points become spent */
#endif
#ifndef FREEZE
#define FREEZE 0             /* 1: the sale freezes points, 0: it grants them */
#endif
#ifndef OFFERED
#define OFFERED 1            /* 0: the vendor has no call that takes back */
#endif
#ifndef KILLS
#define KILLS 0              /* a worker is killed */
#endif
#ifndef PAUSES
#define PAUSES 0             /* a worker sleeps past a lease */
#endif
#ifndef REPEATS
#define REPEATS 0            /* an event is delivered again */
#endif
#ifndef LOST_CALLS
#define LOST_CALLS 0         /* a call without an answer, applied or not */
#endif
#ifndef NOT_SENT
#define NOT_SENT 0           /* a call that surely had no effect */
#endif
#ifndef REFUSED_CALLS
#define REFUSED_CALLS 0      /* the vendor refuses a call */
#endif
#ifndef SKIPPED_LOCKS
#define SKIPPED_LOCKS 0      /* somebody has the grant's row locked and changes nothing */
#endif
#ifndef RETURNS
#define RETURNS 0            /* a person puts a parked row back */
#endif
#ifndef GIVE_UPS
#define GIVE_UPS 0           /* a person gives a parked row up */
#endif
byte kills = KILLS, pauses = PAUSES, repeats = REPEATS, lost_calls = LOST_CALLS, not_sent = NOT_SENT, refused_calls = REFUSED_CALLS,
	skipped_locks = SKIPPED_LOCKS, returns = RETURNS, give_ups = GIVE_UPS;

/* 3 points for 2 halves: after one refund 1 is kept, after two 0. Two refunds that
   are both counted from 3 take 4. */
#define POINTS 3
#define HALVES 2
#define WORKERS 2

/* Operation 0 is what the sale gives, e what event e makes of it. */
#define N (1 + REFUNDS + CANCELS + COMPLETES)
#define IS_REFUND(e) ((e) >= 1 && (e) <= REFUNDS)
#define IS_CANCEL(e) ((e) > REFUNDS && (e) <= REFUNDS + CANCELS)
#define IS_COMPLETE(e) ((e) > REFUNDS + CANCELS)

/* --- The database. */
#define NEVER 0              /* this event does not happen */
#define COMING 1             /* with the broker */
#define WAITS_FOR_SALE 2     /* in table waiting */
#define RECORDED 3
byte fact[N];

#define NONE 0
#define HELD 1               /* not due yet */
#define WAITS 2              /* for what the sale gave to end */
#define PENDING 3
#define SENDING 4
#define PARKED 5
#define CLOSED 6
byte row[N];
#define SENT 1               /* claimed, and perhaps answered */
#define DOUBTED 2
#define TURNED_AWAY 3        /* a call had no effect, but the vendor has seen the key */
byte sale_was;               /* 0: of the sale's row nothing was sent */
byte points[N];              /* what will be sent; what is taken */

#define NOTHING 0
#define POSTED 1
#define REVERSED 2           /* of the sale: nothing was left to send */
#define NETTED 3             /* of a take-back: taken before it was sent */
#define NO_NEED 4            /* nothing to take back, or nothing to send */
#define BY_HAND 5
#define VOIDED 6
byte posting[N];
bit for_person[N];           /* parked, because no call may or can be made */
bit corrected;               /* what the sale gave was heard as applied after a void */

/* What is known of the sale: table reversals. */
byte kept = POINTS;
byte refunded;               /* halves */
bit whole;                   /* all of it was taken back */
bit ended;                   /* the freeze has its ending */
byte locked;                 /* the sale's lock: 0, or w + 1 */

/* --- What a worker has in mind: lost when it is killed. */
byte writes[WORKERS];        /* the event whose transaction is open */
bit joins[WORKERS];          /* ... and it is one that waited */
bit sees_sale[WORKERS];      /* what that transaction has read */
bit sees_known[WORKERS];
byte sees_kept[WORKERS];
byte sees_refunded[WORKERS];
bit sees_whole[WORKERS];
bit sees_ended[WORKERS];

#define NOT 0
#define IN_HAND 1
#define CALLING 2            /* on the wire; it may arrive though nobody waits for it */
#define HEARD 3
#define UNCLEAR 4
#define UNSENT 5
#define REFUSED 6
byte call[N];
byte by[N];                  /* whose it is: w + 1; 0: nobody's any more */
byte carries;                /* the points of the sale's call, as they were claimed */
byte late[N];                /* w + 1 heard that it is applied, and has lost the row */

/* --- The vendor, which knows keys. */
bit applied[N];
byte seen;                   /* the points with which it saw the sale's key first */
short balance;               /* of what the sale gave, points or frozen points */
byte taken_back;             /* how many take-backs it applied */

byte k, after, takes;        /* within a step; always 0 between two */
bit ends, by_hand, open;
