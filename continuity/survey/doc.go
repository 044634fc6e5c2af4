// Package survey tells in plain data of a part of the stream that a person has read
// again: what there is to read ([State]), what recording it again would do
// ([Found]), what is to be added ([Addition]), and what was ([Added]).
//
// It is what the room that reads the stream and the desk that asks for it have in
// common, so it knows neither broker nor database. What is counted before is what
// is recorded then (TestSurveyIsWhatIsRecorded), unless workers were faster.
package survey
