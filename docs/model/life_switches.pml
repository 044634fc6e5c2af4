/* The rules of taking back that a switch breaks, as in switches.pml. */

#ifdef TAKE_BACK_DOES_NOT_WAIT
#define IS_DUE(i) (row[i] == PENDING || row[i] == WAITS)
#else
#define IS_DUE(i) (row[i] == PENDING)
#endif

#ifdef NETS_WHAT_IS_LEASED
#define WAS_NOT_SENT (row[0] == HELD || row[0] == PENDING || row[0] == PARKED || row[0] == SENDING)
#elif defined(NETS_WHAT_WAS_ATTEMPTED)
#define WAS_NOT_SENT (row[0] == HELD || row[0] == PENDING || row[0] == PARKED)
#else
#define WAS_NOT_SENT ((row[0] == HELD || row[0] == PENDING || row[0] == PARKED) && sale_was == 0)
#endif

#ifdef NETS_WHAT_WAS_TURNED_AWAY
#define AFTER_TURNING_AWAY 0
#else
#define AFTER_TURNING_AWAY TURNED_AWAY
#endif

#ifdef REFUND_LOCKS_NOTHING
#define LOCKS 0
#else
#define LOCKS 1
#endif

#ifdef NOBODY_JOINS
#define JOINS 0
#else
#define JOINS 1
#endif

#ifdef TAKES_WHAT_WAS_GIVEN_UP
#define GIVES_NOTHING 0
#else
#define GIVES_NOTHING (posting[0] == REVERSED || (posting[0] == VOIDED && !corrected))
#endif

#ifdef SECOND_ENDING
#define HAS_ENDED(w) 0
#else
#define HAS_ENDED(w) sees_ended[w]
#endif

#ifdef RUN_HAS_WORK_ITEMS
#define MAY_RETURN(i) 1
#else
#define MAY_RETURN(i) (!for_person[i])
#endif
