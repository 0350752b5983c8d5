/*
 * ops.h -- the operators' classes; each is defined at the end of its file.
 */
#ifndef EXEC_OPS_OPS_H
#define EXEC_OPS_OPS_H

#include "exec/op.h"

extern const OpClass op_table_class;
extern const OpClass op_filter_class;
extern const OpClass op_filter_table_class;
extern const OpClass op_project_class;
extern const OpClass op_flatmap_class;
extern const OpClass op_rekey_class;
extern const OpClass op_exchange_class;
extern const OpClass op_aggregate_class;
extern const OpClass op_suppress_class;
extern const OpClass op_join_streams_class;
extern const OpClass op_join_stream_table_class;
extern const OpClass op_join_tables_class;
extern const OpClass op_join_foreign_key_class;
extern const OpClass op_limit_class;
extern const OpClass op_view_class;
extern const OpClass op_sink_class;
extern const OpClass op_push_class;

/* What op_aggregate.c opens for a step with a window. */
extern const OpClass op_window_class;
extern const OpClass op_session_class;

/* Not a step of plans: exec/pipeline.c puts it in front of a table's view and sink. */
extern const OpClass op_coalesce_class;

#endif
