// Package carry carries a plan out: it puts its operations back into the queue
// ([PutBack]), a canary of them first and no faster than asked for, or gives them up
// ([GiveUp]).
//
// A plan is carried out in batches between two acts that are recorded: that it
// begins, before anything is done, and how it ended. Each batch is whole or not done
// at all. When the person stops it, the database goes away, the plan is cancelled or
// the canary fails, what was done stays done, the end is recorded all the same where
// the database can be reached, and the same plan goes on later with what is left. A
// process that is killed leaves no end; the plan's own counts are right even then.
package carry
