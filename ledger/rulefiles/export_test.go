package rulefiles

// SQLCountOwnRules is what a withdrawal reads under its lock.
const SQLCountOwnRules = sqlCountOwnRules
