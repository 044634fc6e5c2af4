// Package sink is the vendor of the benchmark: both vendors in one process that
// does as little as it can. It answers Zhimai's user.points-add and Kylin's
// freezePoint with their success after a set delay, keeps every dedup key that
// it saw, and the moment when each event's first call arrived.
//
// On request it misbehaves, the same way in each run: which events fail and
// which time out is a pure function of the event's number (ClassOf). A faulty
// first call is applied for half of these events and not for the other half;
// later calls are answered. user.user-points-records shows what was applied, our
// reference in it, so that doubt can be looked up and the worker's sampling finds
// what it posted, also under the behaviour before. communal.user.identity is
// refused: the worker asks it only about a member without records.
package sink
