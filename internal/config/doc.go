// Package config reads the whole configuration: the environment, and one YAML
// file with the rules and the vendor accounts (WORKER_CONFIG; a default is
// built in). Load checks everything, pairs of values included, before anything
// starts, and answers one error that names every bad field. Secrets come from
// the environment or from files it names, never from the YAML file, because
// that file's text is kept in the database.
package config
