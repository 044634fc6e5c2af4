package money

import _ "embed"

// Example is a values file to start from, with all keys and what they mean.
//
//go:embed example.yaml
var Example string
