/* What a person may do with a parked operation. */

proctype Person(byte i) {
end:
	do
	/* step: desk.PlanRun.PutBack. Doubt stays. */
	:: atomic { put_backs > 0 && db.row[i] == PARKED ->
		put_backs--;
		printf("person: puts operation %d back\n", i);
		db.row[i] = PENDING; db.attempts[i] = 0;
		if
		:: FORGETS_DOUBT -> db.doubt[i] = 0
		:: else
		fi }
	/* step: desk.PlanRun.VoidBatch. In doubt only when the person accepts that. */
	:: atomic { voids > 0 && db.row[i] == PARKED ->
		voids--;
		printf("person: voids operation %d, in doubt: %d\n", i, db.doubt[i]);
		db.row[i] = CLOSED; db.posting[i] = VOIDED }
	/* step: desk.Desk.SettleByHand. The person may be wrong. */
	:: atomic { hand_settlements > 0 && db.row[i] == PARKED ->
		hand_settlements--;
		printf("person: says that operation %d arrived\n", i);
		db.row[i] = CLOSED; db.posting[i] = BY_HAND }
	/* person: inserts a posted operation into the outbox. The outbox refuses it. */
	:: atomic { stray_rows > 0 && db.posting[i] == POSTED ->
		stray_rows--;
		printf("person: would insert the posted operation %d into the outbox\n", i);
		if
		:: TAKES_STRAY_ROWS -> db.row[i] = PENDING
		:: else
		fi }
	od
}
