/*
 * ast_stmt.h -- the statements.  Part of ast.h: include that.
 *
 * One struct per kind, named after it, in the union of AstStmt.
 */
#ifndef PARSER_AST_STMT_H
#define PARSER_AST_STMT_H

#include "parser/ast.h"

typedef enum AstStmtKind {
    AST_SELECT,             /* u.select */
    AST_CREATE_SOURCE,      /* u.create_source */
    AST_CREATE_AS,          /* u.create_as */
    AST_INSERT_QUERY,       /* u.insert_query */
    AST_INSERT_VALUES,      /* u.insert_values */
    AST_DROP_SOURCE,        /* u.drop_source */
    AST_ALTER_SOURCE,       /* u.alter_source */
    AST_CREATE_TYPE,        /* u.create_type */
    AST_DROP_TYPE,          /* u.drop */
    AST_CREATE_CONNECTOR,   /* u.create_connector */
    AST_DROP_CONNECTOR,     /* u.drop */
    AST_SHOW,               /* u.show */
    AST_DESCRIBE,           /* u.describe */
    AST_EXPLAIN,            /* u.explain */
    AST_PRINT,              /* u.print */
    AST_TERMINATE,          /* u.query_id */
    AST_PAUSE,              /* u.query_id */
    AST_RESUME,             /* u.query_id */
    AST_SET,                /* u.setting */
    AST_UNSET,              /* u.setting, without value */
    AST_ALTER_SYSTEM,       /* u.setting */
    AST_DEFINE,             /* u.variable */
    AST_UNDEFINE,           /* u.variable, without value */
    AST_ASSERT_TOPIC,       /* u.assert_topic */
    AST_ASSERT_SCHEMA,      /* u.assert_schema */
    AST_ASSERT_VALUES,      /* u.insert_values; test tool */
    AST_ASSERT_NULL_VALUES, /* u.insert_values: the key columns; test tool */
    AST_ASSERT_SOURCE,      /* u.create_source; test tool */
    AST_RUN_SCRIPT,         /* u.run_script */
    AST_STMT_COUNT_
} AstStmtKind;

/* CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name [(columns)] [WITH (props)] */
typedef struct AstCreateSource {
    AstName    name;
    bool       is_table;
    bool       or_replace;
    bool       is_source; /* read-only: CREATE SOURCE ... */
    bool       if_not_exists;
    AstColumns columns;
    AstProps   props;
} AstCreateSource;

/* CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (props)] AS query */
typedef struct AstCreateAs {
    AstName   name;
    bool      is_table;
    bool      or_replace;
    bool      if_not_exists;
    AstProps  props;
    AstQuery *query;
} AstCreateAs;

typedef struct AstInsertQuery {
    AstName   target;
    AstProps  props;
    AstQuery *query;
} AstInsertQuery;

/* INSERT INTO target [(columns)] VALUES (row), (row), ... */
typedef struct AstInsertValues {
    AstName   target;
    AstNames  columns; /* len 0: none were listed */
    AstExprs *rows;    /* each row at its parenthesis */
    size_t    rows_len;
} AstInsertValues;

typedef struct AstDropSource {
    AstName name;
    bool    is_table;
    bool    if_exists;
    bool    delete_topic;
} AstDropSource;

typedef struct AstAlterSource {
    AstName    name;
    bool       is_table;
    AstColumns columns; /* to be added */
} AstAlterSource;

typedef struct AstCreateType {
    AstName  name;
    bool     if_not_exists;
    AstType *type;
} AstCreateType;

/* DROP TYPE|CONNECTOR [IF EXISTS] name */
typedef struct AstDrop {
    AstName name;
    bool    if_exists;
} AstDrop;

typedef enum AstConnectorKind {
    AST_CONNECTOR_ANY, /* SHOW CONNECTORS */
    AST_CONNECTOR_SOURCE,
    AST_CONNECTOR_SINK
} AstConnectorKind;

typedef struct AstCreateConnector {
    AstName          name;
    AstConnectorKind kind;
    bool             if_not_exists;
    AstProps         props;
} AstCreateConnector;

typedef enum AstShowKind {
    AST_SHOW_STREAMS,
    AST_SHOW_TABLES,
    AST_SHOW_TOPICS,
    AST_SHOW_QUERIES,
    AST_SHOW_FUNCTIONS,
    AST_SHOW_PROPERTIES,
    AST_SHOW_TYPES,
    AST_SHOW_VARIABLES,
    AST_SHOW_CONNECTORS,
    AST_SHOW_CONNECTOR_PLUGINS
} AstShowKind;

/* SHOW|LIST */
typedef struct AstShow {
    AstShowKind      kind;
    AstConnectorKind connector_kind;
    bool             is_extended;
    bool             is_all; /* SHOW ALL TOPICS: internal ones too */
} AstShow;

typedef enum AstDescribeKind {
    AST_DESCRIBE_SOURCE,
    AST_DESCRIBE_STREAMS,
    AST_DESCRIBE_TABLES,
    AST_DESCRIBE_FUNCTION,
    AST_DESCRIBE_CONNECTOR
} AstDescribeKind;

typedef struct AstDescribe {
    AstDescribeKind kind;
    AstName         name; /* SOURCE FUNCTION CONNECTOR */
    bool            is_extended;
} AstDescribe;

/* One of both.  Any statement parses; the planner says which can be explained. */
typedef struct AstExplain {
    AstName  query_id;
    AstStmt *stmt;
} AstExplain;

typedef struct AstPrint {
    AstName topic; /* use topic.original: a topic keeps its case */
    bool    from_beginning;
    bool    has_interval;
    bool    has_limit;
    int64_t interval; /* every n-th record */
    int64_t limit;
} AstPrint;

/* TERMINATE|PAUSE|RESUME id | ALL */
typedef struct AstQueryId {
    AstName name;
    bool    is_all;
} AstQueryId;

/* SET 'name' = 'value' */
typedef struct AstSetting {
    Str    name;
    Str    value;
    SrcPos name_pos;
    SrcPos value_pos;
} AstSetting;

/* DEFINE name = 'value' */
typedef struct AstVariable {
    AstName name; /* text is upper-cased: look-up ignores case */
    Str     value;
} AstVariable;

/* ASSERT [NOT EXISTS] TOPIC t [WITH (PARTITIONS=n, REPLICAS=n)] [TIMEOUT n unit] */
typedef struct AstAssertTopic {
    AstName     topic; /* use topic.original */
    bool        not_exists;
    bool        has_timeout;
    AstProps    props;
    AstDuration timeout;
} AstAssertTopic;

/* ASSERT [NOT EXISTS] SCHEMA [SUBJECT s] [ID n] [TIMEOUT n unit] */
typedef struct AstAssertSchema {
    AstName     subject; /* use subject.original; text.ptr NULL: none */
    bool        not_exists;
    bool        has_id;
    bool        has_timeout;
    int64_t     id;
    AstDuration timeout;
} AstAssertSchema;

typedef struct AstRunScript {
    Str    path;
    SrcPos pos;
} AstRunScript;

struct AstStmt {
    AstStmtKind kind;
    SrcPos      pos;  /* the whole statement, without the semicolon */
    Str         text; /* its source, without the semicolon, variables replaced */
    union {
        AstQuery          *select;
        AstCreateSource    create_source;
        AstCreateAs        create_as;
        AstInsertQuery     insert_query;
        AstInsertValues    insert_values;
        AstDropSource      drop_source;
        AstAlterSource     alter_source;
        AstCreateType      create_type;
        AstDrop            drop;
        AstCreateConnector create_connector;
        AstShow            show;
        AstDescribe        describe;
        AstExplain         explain;
        AstPrint           print;
        AstQueryId         query_id;
        AstSetting         setting;
        AstVariable        variable;
        AstAssertTopic     assert_topic;
        AstAssertSchema    assert_schema;
        AstRunScript       run_script;
    } u;
};

#endif
