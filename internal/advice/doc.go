// Package advice says what the reader of an error can do about it, in the
// commands, flags and variables of the programs under cmd/. The packages below
// know none of these: their errors hold what is the matter as types and data, and
// what they log goes through here too (worker's logger).
//
// An error that is not known here reads as it is. Text that other errors put
// around a known one stays around its words. All functions are pure.
package advice
