/*
 * conformance.h -- the parts of weir-conformance.
 *
 * conformance.c reads files and arguments and reports; conformance_query.c runs cases of statements
 * over topics; conformance_rest.c those of statements and requests.
 */
#ifndef CLI_CONFORMANCE_H
#define CLI_CONFORMANCE_H

#include "common/json.h"
#include "server/harness.h"

/* One run: a case in one format and one configuration. */
typedef struct CaseRun {
    Arena      *mem;
    const Json *test;
    Str         format, config; /* STR_NULL: none */
    bool        is_push_v2;     /* rest: ksql.query.push.v2.enabled */
    bool        is_verbose;
} CaseRun;

typedef enum CaseResult { CASE_PASSED, CASE_FAILED, CASE_SKIPPED } CaseResult;

/* Why a run failed: cause groups runs (no names or numbers in it), detail is this run's. */
typedef struct CaseFailure {
    Str cause;
    Str detail;
} CaseFailure;

CaseResult conformance_query(const CaseRun *run, CaseFailure *failure);
CaseResult conformance_rest(const CaseRun *run, CaseFailure *failure);

/* Text with {FORMAT} and {CONFIG} replaced. */
Str case_text(const CaseRun *run, Str text);
/* The case's properties with those that every run has. */
void case_properties(const CaseRun *run, HarnessProperty **out, size_t *len);

CaseResult case_fail(const CaseRun *run, CaseFailure *failure, const char *cause,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The cause of a refusal: its message without what stands in quotes. */
CaseResult case_refused(const CaseRun *run, CaseFailure *failure, Str sql, const Err *err);

ErrCode case_make_topics(const CaseRun *run, Harness *harness, Err *err) ERR_MUST_USE;
ErrCode case_produce(const CaseRun *run, Harness *harness, const Json *input,
                     Err *err) ERR_MUST_USE;
/* Compares "outputs"; CASE_PASSED when there are none. */
CaseResult case_outputs(const CaseRun *run, Harness *harness, CaseFailure *failure);

#endif
