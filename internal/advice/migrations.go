package advice

import (
	"fmt"

	"pointsledger/migrations"
)

func migrationsWords(err error) string {
	switch e := err.(type) {
	case *migrations.UnmigratedError:
		if e.At < e.Needs {
			return e.Error() + ": run `worker migrate up`"
		}
	case *migrations.NotUTF8Error:
		return fmt.Sprintf("%v: the encoding of %s is %s: nothing was changed; make one that is and set DATABASE_URL to it: %s",
			migrations.ErrNotUTF8, e.Database, e.Encoding, e.Create)
	}
	return ""
}
