package dispatch

// Endpointed is a Vendor that can name where its calls go. What is learned of an
// account belongs to its endpoint: another vendor, or the simulator, may have
// other habits.
type Endpointed interface {
	// Endpoint is a short text that is the same for one address and key id, and
	// holds no secret.
	Endpoint() string
}

// unnamedEndpoint is the endpoint of a Vendor that cannot name one.
const unnamedEndpoint = "unnamed"

// Endpoint names where the account's calls go.
func (a Account) Endpoint() string {
	if e, named := a.Vendor.(Endpointed); named {
		return e.Endpoint()
	}
	return unnamedEndpoint
}

// Endpoint implements Endpointed.
func (z Zhimai) Endpoint() string { return z.Client.Endpoint() }

// Endpoint implements Endpointed.
func (k Kylin) Endpoint() string { return k.Client.Endpoint() }
