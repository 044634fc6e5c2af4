// Package terminal lays texts out on a terminal, as commands for people print
// them: tables, labelled lines, points of a list, and JSON for their --json. All of
// it fits PageWidth cells; a Chinese character takes two. Foreign texts are cleaned
// of control characters on the way. It prints what it is given, masks nothing and
// reads nothing.
package terminal
