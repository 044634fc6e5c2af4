// Package steps says for a terminal what a person can do next with `replay`: the
// command that does a step of the desk, and the way on after the desk refused
// something. A page would have buttons in their place.
//
// All functions are pure. An error that is not known here comes back as it is.
package steps
