/* The protocol's rules that a switch breaks. Each name is a fault that the code
   once had, that a design once allowed, or that a sabotage build makes. With none
   set the protocol is as it must be. switches.txt says where each is found. */

#ifdef ABSENCE_WITHOUT_CONTROL
#define ABSENT_WITHOUT_CONTROL(i) (hand_is(NOT_KNOWN))
#elif defined(ECHO_FOR_EVER)
#define ABSENT_WITHOUT_CONTROL(i) (hand_is(NOT_KNOWN) || hand_is(PERHAPS))
#else
#define ABSENT_WITHOUT_CONTROL(i) 0
#endif

#ifdef DATA_EMPTY_IS_ABSENT
#define EMPTY_PROVES 1
#else
#define EMPTY_PROVES 0
#endif

#ifdef ONE_EMPTY_LIST_IS_ENOUGH
#define ONE_IS_ENOUGH 1
#else
#define ONE_IS_ENOUGH 0
#endif

#ifdef CUT_LIST_REACHES
#define CUT_REACHES 1
#else
#define CUT_REACHES 0
#endif

#ifdef OLD_LIST_REACHES
#define OLD_LIST_PROVES_AGE 1
#else
#define OLD_LIST_PROVES_AGE 0
#endif

#ifdef PART_IS_ALL
#define TAKES_PART_FOR_ALL 1
#else
#define TAKES_PART_FOR_ALL 0
#endif

#ifdef SAMPLE_IS_CURRENT_AT_ONCE
#define SAMPLE_ALONE 1
#else
#define SAMPLE_ALONE 0
#endif

/* When the last call of k has surely ended. */
#ifdef DEADLINE_OF_FIRST_CLAIM
#define CALL_HAS_ENDED(k) (db.row[k] != NONE)
#define KEEPS_DEADLINE 1
#else
#define CALL_HAS_ENDED(k) (db.doubt[k] && !db.rests[k] && !UNDER_WAY(k))
#define KEEPS_DEADLINE 0
#endif

#ifdef MANUAL_COUNTS_AS_RECORD
#define EXPLAINED_AWAY(i) (OPS > 1 && SAME_MEMBER && db.posting[OPS - 1 - (i)] == BY_HAND)
#else
#define EXPLAINED_AWAY(i) 0
#endif

/* Operation 0's reference stands in the text of 1, before its own. */
#ifdef FIRST_REFERENCE_WINS
#define BORROWS(c, i, kind) (BORROWED && (i) == 0 && REFERENCE_HERE(c, OPS - 1, i, kind))
#define IS_HIDDEN(i) (BORROWED && (i) == OPS - 1)
#else
#define BORROWS(c, i, kind) 0
#define IS_HIDDEN(i) 0
#endif

#ifdef HTML_IS_POSTED
#define HTML_MEANS HEARD
#else
#define HTML_MEANS UNCLEAR
#endif

#ifdef NEW_KEY_ON_RETRY
#define NEW_KEY 1
#else
#define NEW_KEY 0
#endif

#ifdef BLIND_RESEND
#define SENDS_BLINDLY 1
#else
#define SENDS_BLINDLY 0
#endif

#ifdef SEND_WITHOUT_LEASE_CHECK
#define IS_LIVE(w, i) 1
#else
#define IS_LIVE(w, i) live[AT(w, i)]
#endif

#ifdef NO_LEASE_CHECK
#define MAY_SETTLE(w, i) (db.row[i] != NONE && db.row[i] != CLOSED)
#else
#define MAY_SETTLE(w, i) HOLDS(w, i)
#endif

#ifdef RESCUE_BY_DB_CLOCK_ALONE
#define IS_DEAD(w, i) 1
#else
#define IS_DEAD(w, i) (watch[AT(w, i)] == 2)
#endif

#ifdef CLOCK_STEP_IS_A_WAIT
#define HEEDS_CLOCK 0
#else
#define HEEDS_CLOCK 1
#endif

#ifdef RENEW_KEEPS_LOST_ROW
#define KEEPS_LOST_ROW 1
#else
#define KEEPS_LOST_ROW 0
#endif

#ifdef RECOVERY_DOES_NOT_REST
#define RESTS 0
#else
#define RESTS 1
#endif

#ifdef UNPROVEN_USES_NO_ATTEMPT
#define GOES_ROUND 1
#else
#define GOES_ROUND 0
#endif

#ifdef POST_BEFORE_SEND
#define POSTS_FIRST 1
#else
#define POSTS_FIRST 0
#endif

#ifdef CONFIRM_POISONED
#define TAKES_STRAY_ROWS 1
#define STRAY(i) (db.posting[i] == POSTED && db.row[i] != CLOSED)
#define POISONED(w) (STRAY(0) || STRAY(OPS - 1))
#else
#define TAKES_STRAY_ROWS 0
#define POISONED(w) 0
#endif

#ifdef VOID_HIDES_LATE_CONFIRMATION
#define CORRECTS 0
#else
#define CORRECTS 1
#endif

#ifdef PUT_BACK_FORGETS_DOUBT
#define FORGETS_DOUBT 1
#else
#define FORGETS_DOUBT 0
#endif

#ifdef TWO_ACCOUNTS_TWO_KEYS
#define IS_KNOWN_FACT(i) 0
#else
#define IS_KNOWN_FACT(i) (ONE_FACT && db.row[OPS - 1 - (i)] != NONE)
#endif
#define IS_NEW(i) (db.row[i] == NONE && !IS_KNOWN_FACT(i))

#ifdef ACK_BEFORE_COMMIT
#define MAY_ACK(b) ((b) != EMPTY)
#else
#define MAY_ACK(b) ((b) == RECORDED)
#endif

#ifdef NO_WITNESS
#define WITNESS_IS_AHEAD(w) 0
#elif defined(DATABASE_READ_FIRST)
#define WITNESS_IS_AHEAD(w) (read_counter[w] < witness)
#else
#define WITNESS_IS_AHEAD(w) (db.counter < read_counter[w])
#endif
#ifdef DATABASE_READ_FIRST
#define DATABASE_FIRST 1
#else
#define DATABASE_FIRST 0
#endif

#ifdef WITNESS_READ_BEFORE_CONNECTING
#define WITNESS_EARLY 1
#else
#define WITNESS_EARLY 0
#endif

#ifdef MENDED_COUNTER_STAYS
#define SETS_COUNTER 0
#else
#define SETS_COUNTER 1
#endif

#ifdef LOST_DURABLE_READS_AS_NEW
#define READS_AGAIN(k) delivered[k]
#else
#define READS_AGAIN(k) (delivered[k] || durable_lost)
#endif
