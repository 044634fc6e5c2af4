// Package archtest holds the arrows between the folders: which package may
// import which. docs/ARCHITECTURE.md draws them; the test in here fails when an
// import goes against one.
package archtest
