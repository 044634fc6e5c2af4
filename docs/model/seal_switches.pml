/* The rules of the seal that a switch breaks, as in switches.pml. */

/* A transaction that writes is bounded. */
#ifdef TRANSACTION_WITHOUT_BOUND
#define MAY_COMMIT(i) (era == born[i])
#else
#define MAY_COMMIT(i) (era == born[i] && now <= at[i] + 1)
#endif

/* A batch lists what is not listed, also below the ids that are. */
#ifdef IDS_ABOVE_THE_LAST_ALONE
#define IS_ABOVE(i) (i == ROWS - 1 || !db.listed[ROWS - 1])
#else
#define IS_ABOVE(i) 1
#endif

/* It reaches back over the window, and not to the batch before alone. */
#ifdef SINCE_THE_LAST_BATCH
#define IN_WINDOW(i) (!db.sealed || at[i] >= db.complete)
#else
#define IN_WINDOW(i) (!db.sealed || at[i] + WINDOW >= db.complete)
#endif

/* The database is written before the head outside. */
#ifdef HEAD_BEFORE_BATCH
#define HEAD_FIRST 1
#else
#define HEAD_FIRST 0
#endif

/* A head is raised only over one that the database holds, or names as lost. */
#ifdef RAISES_OVER_A_LOSS
#define MAY_RAISE_OVER(number, hash_of) 1
#else
#define MAY_RAISE_OVER(number, hash_of) IS_KNOWN(number, hash_of)
#endif

/* The head outside is read before the database is verified. */
#ifdef VERIFY_READS_DATABASE_FIRST
#define DATABASE_FIRST 1
#else
#define DATABASE_FIRST 0
#endif
