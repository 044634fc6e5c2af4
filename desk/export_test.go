package desk

// NeededRights is how many table rights a worker needs; one on a sequence comes on top.
const NeededRights = len(needed)
