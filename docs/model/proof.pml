/* What a member's records prove. */

/* On this copy, in this reading. A reading of a kind: WHOLE, PART, BLANK, or CUT to the newest record. */
#define WHOLE 0
#define PART 1
#define BLANK 2
#define CUT 3
#define IN_LIST(c, j, i) (MEMBER(j) == MEMBER(i) && SHOWN(c, j) && !gone[j])
#define OWN(c, i, kind) (kind == WHOLE && IN_LIST(c, i, i))

/* Another's reference is in the reading, or was in a sample before it. */
#define REFERENCE_HERE(c, j, i, kind) ((j) != (i) && kind != BLANK && IN_LIST(c, j, i) && !nameless[j])

/* Reach: the list goes back to before the call. What has no older record must be
   younger than what this vendor is known to keep, and an empty list wants a
   balance of 0 beside it, twice: a backend that fails shows an empty list of a member
   who has spent everything, too. A list that is cut does not account for the balance, unless what
   is missing was spent. */
#define OLD_HERE(i, kind) (kind != BLANK && kind != CUT && old_record[MEMBER(i)])
#define KEPT(i) (!(SHORT_HISTORY && long_over[i]) || OLD_LIST_PROVES_AGE)
#define BALANCE_IS_0(c, i) (!SHOWN(c, i) || spent[MEMBER(i)])
#define LIST_IS_EMPTY(c, i, kind) (kind == BLANK || (kind == CUT && !IN_LIST(c, OPS - 1 - (i), i)) || (kind != CUT && !old_record[MEMBER(i)] && !IN_LIST(c, i, i) && !IN_LIST(c, OPS - 1 - (i), i) && !(spent[MEMBER(i)] && !gone[i])))
#define EMPTY_IS_EMPTY(c, i) (BALANCE_IS_0(c, i) && (empty_before[i] || ONE_IS_ENOUGH))
#define REACHES(c, i, kind) (OLD_HERE(i, kind) || (KEPT(i) && (kind != CUT || BALANCE_IS_0(c, i) || CUT_REACHES) && (!LIST_IS_EMPTY(c, i, kind) || EMPTY_IS_EMPTY(c, i) || EMPTY_PROVES)))
#define hand_is(what) (hand[AT(w, i)] == what)

/* step: evidence.Judge. Current: a later call's reference in this reading; or in a sample, and the known
   lag has gone by; or no later call, and quiet_after has. */
inline judge(w, i, c, kind) {
	if
	:: OWN(c, i, kind) && !nameless[i] && !IS_HIDDEN(i) -> hand[AT(w, i)] = SEEN
	:: BORROWS(c, i, kind) -> hand[AT(w, i)] = SEEN
	:: else ->
		hand[AT(w, i)] = NOT_KNOWN;
		if
		:: OWN(c, i, kind) && nameless[i] && !EXPLAINED_AWAY(i) -> hand[AT(w, i)] = PERHAPS
		:: kind == PART && !TAKES_PART_FOR_ALL
		:: else ->
			for (k : 0 .. OPS - 1) {
				if
				:: hand[AT(w, i)] == NOT_KNOWN && REACHES(c, i, kind) && AFTER(k, i) &&
					(REFERENCE_HERE(c, k, i, kind) || (sampled[k] && (lag_over[i] || SAMPLE_ALONE))) ->
					hand[AT(w, i)] = PROVEN_ABSENT
				:: else
				fi
			}
			k = 0;
			if
			:: hand[AT(w, i)] == NOT_KNOWN && REACHES(c, i, kind) && quiet_over[i] -> hand[AT(w, i)] = PROVEN_ABSENT
			:: ABSENT_WITHOUT_CONTROL(i) -> hand[AT(w, i)] = PROVEN_ABSENT
			:: else
			fi;
			if
			:: LIST_IS_EMPTY(c, i, kind) && BALANCE_IS_0(c, i) && lag_over[i] -> empty_before[i] = 1
			:: else
			fi;
			if
			:: hand[AT(w, i)] == NOT_KNOWN && HONOURED && !key_old[i] -> hand[AT(w, i)] = RESEND
			:: else
			fi
		fi
	fi;
	printf("judge: worker %d reads copy %d (kind %d) for operation %d: %d (kinds: 0 whole, 1 part, 2 empty, 3 cut; verdicts: 5 seen, 9 absent, 10 not known, 11 perhaps, 2 its key protects)\n",
		w, c, kind, i, hand[AT(w, i)])
}

#define MAY_SCAN(w, i) (hand[AT(w, i)] == HELD && held_doubt[AT(w, i)] && VERIFIES && live[AT(w, i)] && !UNDER_WAY(i) && !clock_owed)

proctype Scan(byte w; byte i; byte c) {
end:
	do
	/* step: dispatch.Dispatcher.verify */
	:: atomic { MAY_SCAN(w, i) -> judge(w, i, c, WHOLE) }
	/* step: dispatch.Dispatcher.verify */
	:: atomic { MAY_SCAN(w, i) && parts > 0 -> parts--; judge(w, i, c, PART) }
	/* step: dispatch.Dispatcher.verify */
	:: atomic { MAY_SCAN(w, i) && empty_lists > 0 -> empty_lists--; judge(w, i, c, BLANK) }
	/* step: dispatch.Dispatcher.verify */
	:: atomic { MAY_SCAN(w, i) && cuts > 0 && OPS == 2 && IN_LIST(c, OPS - 1 - (i), i) -> cuts--; judge(w, i, c, CUT) }
	/* step: dispatch.sampler.sample. Of what the vendor confirmed. */
	:: atomic { w == 0 && db.posting[i] == POSTED && SHOWN(c, i) && !gone[i] && !nameless[i] && !sampled[i] ->
		printf("sample: the record of operation %d is found on copy %d\n", i, c);
		sampled[i] = 1 }
	od
}

/* The vendor's records, which change by themselves. */
proctype Records(byte i; byte c) {
end:
	do
	/* vendor: a copy shows the record, late */
	:: atomic { times[i] > 0 && !SHOWN(c, i) && !gone[i] &&
		(!IN_ORDER || OPS == 1 || !BEFORE(OPS - 1 - i, i) || SHOWN(c, OPS - 1 - i)) ->
		printf("vendor: copy %d shows the record of operation %d\n", c, i);
		SHOWN(c, i) = 1 }
	/* vendor: a short history drops its oldest records first */
	:: atomic { c == 0 && short_history > 0 && old_record[MEMBER(i)] ->
		short_history--;
		printf("vendor: the old records of operation %d's member leave the list\n", i);
		old_record[MEMBER(i)] = 0 }
	:: atomic { c == 0 && SHORT_HISTORY && long_over[i] && !old_record[MEMBER(i)] && times[i] > 0 && !gone[i] ->
		printf("vendor: the record of operation %d leaves the list\n", i);
		gone[i] = 1 }
	/* member: spends all that was granted */
	:: atomic { c == 0 && spends > 0 && times[i] > 0 && !spent[MEMBER(i)] ->
		spends--;
		printf("member: spends the points of operation %d\n", i);
		spent[MEMBER(i)] = 1 }
	od
}
