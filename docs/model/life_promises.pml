/* What must always hold of one sale, and what must hold when nothing is left to do. */

/* What the member is left with, by what happened to the order. */
#define REFUNDED_HALVES ((REFUNDS > 0 && fact[1] != NEVER) + (REFUNDS > 1 && fact[REFUNDS] != NEVER))
#define HAPPENED(at) (fact[at] != NEVER)
#define IS_CANCELLED (CANCELS > 0 && HAPPENED(REFUNDS + CANCELS))
#define IS_COMPLETED (COMPLETES > 0 && HAPPENED(N - 1))
#define FORMULA (IS_CANCELLED || (FREEZE && IS_COMPLETED) -> 0 : (FREEZE && REFUNDED_HALVES < HALVES -> POINTS : POINTS * (HALVES - REFUNDED_HALVES) / HALVES))

inline promises_of_taking(i) {
	if
	:: posting[0] == VOIDED && !corrected ->
		printf("PROMISE BROKEN given_up_stays: operation %d takes back what was given up\n", i); assert(false)
	:: FREEZE && taken_back > 1 ->
		printf("PROMISE BROKEN one_ending: operation %d ends a freeze that has ended\n", i); assert(false)
	:: else
	fi;
	if
	:: balance < 0 -> printf("PROMISE BROKEN never_below_zero: operation %d takes what is not there\n", i); assert(false)
	:: else
	fi
}

/* A take-back may wait only for what a person has to decide. */
#define HALF_DONE(i) (row[i] == HELD || row[i] == PENDING || row[i] == SENDING || (row[i] == WAITS && row[0] != PARKED) || fact[i] == COMING || (fact[i] == WAITS_FOR_SALE && fact[0] != NEVER))

inline promises_of_rest() {
	open = (posting[0] == POSTED || posting[0] == REVERSED);
	for (k : 0 .. N - 1) {
		if
		:: HALF_DONE(k) ->
			printf("PROMISE BROKEN comes_to_rest: operation %d is left half done\n", k); assert(false)
		:: else
		fi;
		if
		:: row[k] == PARKED || (k > 0 && posting[k] == VOIDED) -> open = 0
		:: else
		fi
	}
	k = 0;
	if
	:: open && balance != FORMULA ->
		printf("PROMISE BROKEN kept_is_the_formula: the member is left with %d, and the order with %d\n", balance, FORMULA); assert(false)
	:: else
	fi;
	open = 0
}
