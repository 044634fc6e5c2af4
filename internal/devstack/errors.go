package devstack

import "errors"

// ErrNoPostgres is returned by StartPostgres when this machine has no Postgres
// server programs and they could not be fetched either. Its text is one line that
// says what to install.
var ErrNoPostgres = errors.New("no Postgres server programs found; install them: apt-get install postgresql (Debian, Ubuntu), brew install postgresql@16 (macOS)")

// ErrPortTaken is returned by StartNATS when somebody listens on its port.
var ErrPortTaken = errors.New("port taken")

// ErrLeftOut is returned by every Start function of a build with the tag noembed,
// and on systems that are not a Unix.
var ErrLeftOut = errors.New("this build leaves out the embedded servers: set DATABASE_URL and NATS_URL, or build without -tags noembed")
