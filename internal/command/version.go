package command

import "runtime/debug"

// Version is what --version shows: the module's version where the program was
// built from one, else the commit, with "+dirty" when the sources were changed,
// else "unknown" (a test binary, a build without version control).
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versionUnknown
	}
	return versionOf(info)
}

const versionUnknown = "unknown"

// shortCommit is how much of a commit's name is shown.
const shortCommit = 12

func versionOf(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "(devel)" {
		version = ""
	}
	var commit, at string
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(len(s.Value), shortCommit)]
		case "vcs.time":
			at = " of " + s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	switch {
	case version != "": // holds commit and +dirty already where there is no tag
	case commit != "":
		version = "commit " + commit + dirty + at
	default:
		version = versionUnknown
	}
	return version + ", " + info.GoVersion
}
