package advice

import "fmt"

// FewConnections says what pool_max_conns costs.
func FewConnections(given, needed int) string {
	return fmt.Sprintf("pool_max_conns=%d in DATABASE_URL is less than the %d connections that this worker uses at once: intake and dispatch wait for each other", given, needed)
}
