package command

import (
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxOperatorChars bounds what is kept in ops_actions.
const maxOperatorChars = 100

// Operator is who acts: the value of --operator, or the user of this machine
// when the flag was not given. The error is a UsageError.
func Operator(flag string, given bool) (string, error) {
	flag = strings.TrimSpace(flag)
	switch {
	case utf8.RuneCountInString(flag) > maxOperatorChars:
		return "", Usagef("--operator: want at most %d characters", maxOperatorChars)
	case given && flag == "":
		return "", Usagef("--operator is empty: leave it out to mean the user of this machine")
	case flag != "":
		return flag, nil
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username, nil
	}
	if uid := os.Getuid(); uid >= 0 {
		return "uid " + strconv.Itoa(uid), nil // a container without /etc/passwd
	}
	return "", Usagef("this machine does not tell who you are: add --operator NAME")
}
