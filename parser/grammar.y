/*
 * grammar.y -- the SQL of Weir, by Lemon.
 *
 * One section per statement, an example above each group of rules.  Actions only call a
 * constructor of ast_build.h or put values side by side: no name is looked up here.
 *
 * Each statement is one parse; the semicolon is its end of input.  Words that are keywords in some
 * places only are names everywhere else, by %fallback.  A fallback is tried before a reduction by
 * default, so a soft keyword may not follow where a name could stand as well.  The few that do
 * (EMIT, PARTITION, UNION, IF, MAP, ARRAY, STRUCT) are told apart by the token behind them, before
 * they get here: contextual_code() in parser.c.
 */
%name grammar_parse
%token_prefix TK_
%token_type {Token}
%extra_context {AstBuild *b}
%start_symbol input
%stack_size 4000

%include {
#include "parser/grammar.h"

#include <assert.h>

#include "parser/ast_build.h"
#include "parser/expect.h"

/* One syntax error ends the parse. */
#define YYNOERRORRECOVERY 1

struct yyParser;
static void grammar_expected(const struct yyParser *parser, bool *expected);
}

%syntax_error {
    bool expected[EXPECT_TOKENS_MAX];

    (void)yymajor;
    grammar_expected(yypParser, expected);
    expect_error(b, TOKEN, expected);
}

%stack_overflow {
    ast_build_error(b, ERR_LIMIT, b->previous.pos, "statement is nested too deeply");
}

/* No rule has these; and these get their codes first, since messages list words by code. */
%token SEMI VARIABLE RESERVED.
%token JOIN WINDOW WHERE GROUP PARTITION HAVING EMIT LIMIT KEY PRIMARY HEADERS HEADER.

%fallback IDENT
    ADD ALTER ARRAY ARRAY_TYPE ASSERT CHANGES COLUMN DEFINE EMIT ESCAPE EXPLAIN FINAL FUNCTION
    FUNCTIONS GRACE HEADER HEADERS ID IF INTERVAL KEY MAP MAP_TYPE PARTITION PERIOD PLUGINS PRIMARY
    REPLACE SCHEMA SESSION SET SHOW SINK SOURCE STRUCT STRUCT_TYPE SUBJECT SYSTEM TABLES TIME
    TIMEOUT TYPE TYPES UNDEFINE UNION UNIT_NAME VARIABLES ZONE.

input ::= stmt(S). { ast_build_result(b, S); }

%type stmt {AstStmt *}
%type plain_stmt {AstStmt *}
stmt(A) ::= plain_stmt(A).

/* --- names ------------------------------------------------------------------------------------ */

%type name {AstName}
%type name_or_string {AstName}
%type names {AstNameVec}
name(A) ::= IDENT(T).  { A = ast_build_name(b, T); }
name(A) ::= QUOTED(T). { A = ast_build_name(b, T); }

name_or_string(A) ::= name(A).
name_or_string(A) ::= STRING(T). { A = ast_build_name(b, T); }

names(A) ::= name(N).                { A = ast_build_names(b, (AstNameVec){0}, N); }
names(A) ::= names(L) COMMA name(N). { A = ast_build_names(b, L, N); }

/* --- SELECT -----------------------------------------------------------------------------------
 *
 *     SELECT o.id, c.name AS customer FROM orders o
 *       LEFT JOIN customers c WITHIN 1 HOUR GRACE PERIOD 5 MINUTES ON o.customer = c.id
 *       WINDOW TUMBLING (SIZE 1 HOUR) WHERE o.price > 10 GROUP BY o.id, c.name
 *       HAVING COUNT(*) > 1 EMIT CHANGES LIMIT 10;
 */
plain_stmt(A) ::= query(Q). { A = ast_build_stmt(b, (AstStmt){.kind = AST_SELECT, .u.select = Q}); }

%type query {AstQuery *}
/* SELECT a FROM s UNION ALL SELECT b FROM t */
%type select {AstQuery *}
query(A) ::= select(A).
query(A) ::= query(Q) UNION(T) ALL select(S). { A = ast_build_union(b, T, Q, S); }

select(A) ::= SELECT(T) distinct_opt(D) items(I) FROM from(F) window_opt(W) where_opt(E)
             group_opt(G) partition_opt(P) having_opt(H) emit_opt(X) limit_opt(L). {
    A = ast_build_query(b, (AstQuery){.pos = T.pos, .distinct_pos = D.pos, .window = W, .where = E,
                                      .group_by = G, .partition_by = P, .having = H,
                                      .emit = X.kind, .emit_pos = X.pos}, I, F, L);
}

%type distinct_opt {Token}
distinct_opt(A) ::= .            { A = (Token){0}; }
distinct_opt(A) ::= DISTINCT(A).

/* *, orders.*, address->*, price * 2 AS twice */
%type items {AstItemVec}
%type item {AstItem}
items(A) ::= item(I).                { A = ast_build_items(b, (AstItemVec){0}, I); }
items(A) ::= items(L) COMMA item(I). { A = ast_build_items(b, L, I); }

item(A) ::= STAR(T).                { A = (AstItem){.kind = AST_ITEM_ALL, .pos = T.pos}; }
item(A) ::= name(N) DOT STAR(T).    { A = (AstItem){.kind = AST_ITEM_SOURCE_ALL, .source = N,
                                                    .pos = ast_pos_join(N.pos, T.pos)}; }
item(A) ::= primary(E) ARROW STAR(T). { A = (AstItem){.kind = AST_ITEM_STRUCT_ALL, .expr = E,
                                                      .pos = ast_pos_join(E->pos, T.pos)}; }
item(A) ::= expr(E).                { A = ast_build_item(E, (AstName){0}); }
item(A) ::= expr(E) name(N).        { A = ast_build_item(E, N); }
item(A) ::= expr(E) AS name(N).     { A = ast_build_item(E, N); }

/* orders o FULL OUTER JOIN payments AS p WITHIN (1 HOUR, 2 HOURS) ON o.id = p.id */
%type from {AstFrom}
%type source {AstSource}
%type join_kind {AstJoin}
%type within_opt {AstJoin}
from(A) ::= source(S).          { A = (AstFrom){.source = S}; }
from(A) ::= from(F) join_kind(K) source(S) within_opt(W) ON expr(E). {
    A = ast_build_join(b, F, (AstJoin){.kind = K.kind, .pos = K.pos, .source = S,
                                       .has_within = W.has_within,
                                       .is_within_pair = W.is_within_pair, .before = W.before,
                                       .after = W.after, .has_grace = W.has_grace,
                                       .grace = W.grace, .on = E});
}

source(A) ::= name(N).            { A = (AstSource){.name = N}; }
source(A) ::= name(N) name(B).    { A = (AstSource){.name = N, .alias = B}; }
source(A) ::= name(N) AS name(B). { A = (AstSource){.name = N, .alias = B}; }

/* FROM (SELECT a, b FROM s WHERE a > 0) AS x */
source(A) ::= LP(T) query(Q) RP.            { A = ast_build_sub_select(T, Q, (AstName){0}); }
source(A) ::= LP(T) query(Q) RP name(B).    { A = ast_build_sub_select(T, Q, B); }
source(A) ::= LP(T) query(Q) RP AS name(B). { A = ast_build_sub_select(T, Q, B); }

join_kind(A) ::= JOIN(T).                 { A = (AstJoin){.kind = AST_INNER, .pos = T.pos}; }
join_kind(A) ::= INNER(T) JOIN.           { A = (AstJoin){.kind = AST_INNER, .pos = T.pos}; }
join_kind(A) ::= LEFT(T) outer_opt JOIN.  { A = (AstJoin){.kind = AST_LEFT, .pos = T.pos}; }
join_kind(A) ::= RIGHT(T) outer_opt JOIN. { A = (AstJoin){.kind = AST_RIGHT, .pos = T.pos}; }
join_kind(A) ::= FULL(T) outer_opt JOIN.  { A = (AstJoin){.kind = AST_FULL, .pos = T.pos}; }

outer_opt ::= .
outer_opt ::= OUTER.

within_opt(A) ::= . { A = (AstJoin){0}; }
within_opt(A) ::= WITHIN duration(D) join_grace_opt(G). { A = ast_build_within(D, D, false, G); }
within_opt(A) ::= WITHIN LP duration(B) COMMA duration(C) RP join_grace_opt(G). {
    A = ast_build_within(B, C, true, G);
}

%type join_grace_opt {AstOptDuration}
join_grace_opt(A) ::= .                         { A = (AstOptDuration){0}; }
join_grace_opt(A) ::= GRACE PERIOD duration(D). { A = (AstOptDuration){true, D}; }

/* 10 SECONDS */
%type duration {AstDuration}
%type unit {Token}
duration(A) ::= INTEGER(N) unit(U). { A = ast_build_duration(b, N, U); }
unit(A) ::= UNIT(A).
unit(A) ::= UNIT_NAME(A).

/* WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, RETENTION 2 DAYS, GRACE PERIOD 1 HOUR) */
%type window_opt {AstWindow *}
%type window {AstWindow}
window_opt(A) ::= .                           { A = NULL; }
window_opt(A) ::= WINDOW(T) window(W).        { A = ast_build_window(b, T, (AstName){0}, W); }
window_opt(A) ::= WINDOW(T) name(N) window(W). { A = ast_build_window(b, T, N, W); }
window(A) ::= TUMBLING LP SIZE duration(D) bounds(B) RP. {
    A = B; A.kind = AST_TUMBLING; A.size = D;
}
window(A) ::= HOPPING LP SIZE duration(D) COMMA ADVANCE BY duration(V) bounds(B) RP. {
    A = B; A.kind = AST_HOPPING; A.size = D; A.advance = V;
}
window(A) ::= SESSION LP duration(D) bounds(B) RP. { A = B; A.kind = AST_SESSION; A.size = D; }

%type bounds {AstWindow}
bounds(A) ::= .                              { A = (AstWindow){0}; }
bounds(A) ::= COMMA RETENTION duration(D). {
    A = (AstWindow){.has_retention = true, .retention = D};
}
bounds(A) ::= COMMA GRACE PERIOD duration(D). { A = (AstWindow){.has_grace = true, .grace = D}; }
bounds(A) ::= COMMA RETENTION duration(D) COMMA GRACE PERIOD duration(G). {
    A = (AstWindow){.has_retention = true, .retention = D, .has_grace = true, .grace = G};
}

/* WHERE price > 10 */
%type where_opt {AstExpr *}
where_opt(A) ::= .                  { A = NULL; }
where_opt(A) ::= WHERE expr(E).     { A = E; }

/* GROUP BY a, b  GROUP BY (a, b)  GROUP BY () */
%type group_opt {AstKeys}
%type partition_opt {AstKeys}
%type keys {AstKeys}
%type values {AstExprVec}
group_opt(A) ::= .                             { A = (AstKeys){0}; }
group_opt(A) ::= GROUP(T) BY keys(K).          { A = K; A.pos = T.pos; }
partition_opt(A) ::= .                         { A = (AstKeys){0}; }
partition_opt(A) ::= PARTITION(T) BY keys(K).  { A = K; A.pos = T.pos; }

keys(A) ::= values(L).                         { A = (AstKeys){.items = L.items, .len = L.len}; }
keys(A) ::= LP RP.                             { A = (AstKeys){.is_parenthesised = true}; }
keys(A) ::= LP value_pair(L) RP. {
    A = (AstKeys){.items = L.items, .len = L.len, .is_parenthesised = true};
}
values(A) ::= value(E).                        { A = ast_build_exprs(b, (AstExprVec){0}, E); }
values(A) ::= values(L) COMMA value(E).        { A = ast_build_exprs(b, L, E); }
/* Two or more: one in parentheses is an expression. */
%type value_pair {AstExprVec}
value_pair(A) ::= value(E) COMMA value(F). {
    A = ast_build_pair(b, (AstExprVec){0}, E, F);
}
value_pair(A) ::= value_pair(L) COMMA value(E). { A = ast_build_exprs(b, L, E); }

/* HAVING COUNT(*) > 1 */
%type having_opt {AstExpr *}
having_opt(A) ::= .                 { A = NULL; }
having_opt(A) ::= HAVING expr(E).   { A = E; }

/* EMIT CHANGES LIMIT 10 */
%type emit_opt {AstEmitClause}
%type limit_opt {AstCount}
emit_opt(A) ::= .                   { A = (AstEmitClause){0}; }
emit_opt(A) ::= EMIT(T) CHANGES.    { A = (AstEmitClause){AST_EMIT_CHANGES, T.pos}; }
emit_opt(A) ::= EMIT(T) FINAL.      { A = (AstEmitClause){AST_EMIT_FINAL, T.pos}; }
limit_opt(A) ::= .                  { A = (AstCount){0}; }
limit_opt(A) ::= LIMIT(T) signed_number(N). { A = ast_build_limit(b, T, N); }

/* --- CREATE STREAM, CREATE TABLE --------------------------------------------------------------
 *
 *     CREATE OR REPLACE STREAM IF NOT EXISTS orders (id BIGINT KEY, price DECIMAL(9, 2))
 *       WITH (KAFKA_TOPIC = 'orders', VALUE_FORMAT = 'JSON', PARTITIONS = 4);
 *     CREATE TABLE totals WITH (PARTITIONS = 2) AS SELECT id, SUM(price) FROM orders GROUP BY id;
 */
%type create_head {AstCreateSource}
%type create_mode {AstCreateSource}
plain_stmt(A) ::= create_head(H) column_defs(C) props_opt(P). {
    A = ast_build_create_source(b, AST_CREATE_SOURCE, H, C, P);
}
plain_stmt(A) ::= create_head(H) props_opt(P). {
    A = ast_build_create_source(b, AST_CREATE_SOURCE, H, (AstColumns){0}, P);
}
plain_stmt(A) ::= create_head(H) props_opt(P) AS query(Q). {
    A = ast_build_create_as(b, H, P, Q);
}

create_head(A) ::= create_mode(M) source_kind(K) if_not_exists(I) name(N). {
    A = M; A.is_table = K; A.if_not_exists = I; A.name = N;
}
create_mode(A) ::= CREATE.                   { A = (AstCreateSource){0}; }
create_mode(A) ::= CREATE OR REPLACE.        { A = (AstCreateSource){.or_replace = true}; }
create_mode(A) ::= CREATE SOURCE.            { A = (AstCreateSource){.is_source = true}; }
create_mode(A) ::= CREATE OR REPLACE SOURCE. {
    A = (AstCreateSource){.or_replace = true, .is_source = true};
}

%type source_kind {bool}
%type if_not_exists {bool}
%type if_exists {bool}
source_kind(A) ::= STREAM.          { A = false; }
source_kind(A) ::= TABLE.           { A = true; }
if_not_exists(A) ::= .              { A = false; }
if_not_exists(A) ::= IF NOT EXISTS. { A = true; }
if_exists(A) ::= .                  { A = false; }
if_exists(A) ::= IF EXISTS.         { A = true; }

/* (id BIGINT KEY, trace BYTES HEADER('trace'), h ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS) */
%type column_defs {AstColumns}
%type column_list {AstColumnVec}
%type column_def {AstColumn}
%type role_opt {AstRole}
column_defs(A) ::= LP(T) column_list(L) RP(E). {
    A = (AstColumns){.items = L.items, .len = L.len, .pos = ast_pos_join(T.pos, E.pos)};
}
column_list(A) ::= column_def(C). {
    A = ast_build_columns(b, (AstColumnVec){0}, C);
}
column_list(A) ::= column_list(L) COMMA column_def(C). { A = ast_build_columns(b, L, C); }
column_def(A) ::= name(N) type(T) role_opt(R).         { A = ast_build_column_def(b, N, T, R); }

role_opt(A) ::= .                   { A = (AstRole){0}; }
role_opt(A) ::= KEY(T).             { A = (AstRole){.role = AST_COLUMN_KEY, .pos = T.pos}; }
role_opt(A) ::= PRIMARY(T) KEY(E).  { A = (AstRole){.role = AST_COLUMN_PRIMARY_KEY,
                                                    .pos = ast_pos_join(T.pos, E.pos)}; }
role_opt(A) ::= HEADERS(T).         { A = (AstRole){.role = AST_COLUMN_HEADERS, .pos = T.pos}; }
role_opt(A) ::= HEADER(T) LP STRING(S) RP(E). {
    A = (AstRole){.role = AST_COLUMN_HEADER, .header_key = ast_build_text(b, S),
                  .pos = ast_pos_join(T.pos, E.pos)};
}

/* WITH (KAFKA_TOPIC = 'orders', PARTITIONS = 4, "connector.class" = 'x', 'tasks.max' = '1') */
%type props_opt {AstProps}
%type props {AstProps}
%type prop_list {AstPropVec}
%type prop_value {AstExpr *}
%type signed_number {AstExpr *}
props_opt(A) ::= .                  { A = (AstProps){0}; }
props_opt(A) ::= props(A).
props(A) ::= WITH(T) LP prop_list(L) RP(E). {
    A = (AstProps){.items = L.items, .len = L.len, .pos = ast_pos_join(T.pos, E.pos)};
}
prop_list(A) ::= name_or_string(N) EQ prop_value(V). {
    A = ast_build_props(b, (AstPropVec){0}, N, V);
}
prop_list(A) ::= prop_list(L) COMMA name_or_string(N) EQ prop_value(V). {
    A = ast_build_props(b, L, N, V);
}
prop_value(A) ::= literal(A).
prop_value(A) ::= MINUS(T) number(N).    { A = ast_build_sign(b, T, N); }
signed_number(A) ::= number(A).
signed_number(A) ::= MINUS(T) number(N). { A = ast_build_sign(b, T, N); }

/* --- INSERT -----------------------------------------------------------------------------------
 *
 *     INSERT INTO big_orders WITH (QUERY_ID = 'copy') SELECT * FROM orders WHERE price > 100;
 *     INSERT INTO orders (id, price) VALUES (1, 9.50), (2, 3.20);
 */
plain_stmt(A) ::= INSERT INTO name(N) props_opt(P) query(Q). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_INSERT_QUERY, .u.insert_query = {N, P, Q}});
}
plain_stmt(A) ::= INSERT INTO name(N) name_list_opt(C) VALUES rows(R). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_INSERT_VALUES,
                                    .u.insert_values = {N, C, R.items, R.len}});
}

%type name_list_opt {AstNames}
%type name_list {AstNames}
name_list_opt(A) ::= .               { A = (AstNames){0}; }
name_list_opt(A) ::= name_list(A).
name_list(A) ::= LP names(L) RP.     { A = (AstNames){L.items, L.len}; }

%type rows {AstRowVec}
%type row {AstExprs}
rows(A) ::= row(R).                  { A = ast_build_rows(b, (AstRowVec){0}, R); }
rows(A) ::= rows(L) COMMA row(R).    { A = ast_build_rows(b, L, R); }
row(A) ::= LP(T) exprs(L) RP(E). {
    A = (AstExprs){L.items, L.len, ast_pos_join(T.pos, E.pos)};
}

/* --- DROP, ALTER ------------------------------------------------------------------------------
 *
 *     DROP STREAM IF EXISTS orders DELETE TOPIC;
 *     ALTER TABLE customers ADD COLUMN city STRING, ADD zip STRING;
 */
plain_stmt(A) ::= DROP source_kind(K) if_exists(I) name(N) delete_topic(D). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_DROP_SOURCE, .u.drop_source = {N, K, I, D}});
}
%type delete_topic {bool}
delete_topic(A) ::= .                { A = false; }
delete_topic(A) ::= DELETE TOPIC.    { A = true; }

plain_stmt(A) ::= ALTER source_kind(K) name(N) added_columns(L). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_ALTER_SOURCE,
                                    .u.alter_source = {N, K, {L.items, L.len, N.pos}}});
}
%type added_columns {AstColumnVec}
%type added_column {AstColumn}
added_columns(A) ::= added_column(C). {
    A = ast_build_columns(b, (AstColumnVec){0}, C);
}
added_columns(A) ::= added_columns(L) COMMA added_column(C). { A = ast_build_columns(b, L, C); }
added_column(A) ::= ADD name(N) type(T).        { A = ast_build_column_def(b, N, T, (AstRole){0}); }
added_column(A) ::= ADD COLUMN name(N) type(T). { A = ast_build_column_def(b, N, T, (AstRole){0}); }

/* --- types ------------------------------------------------------------------------------------
 *
 *     CREATE TYPE IF NOT EXISTS address AS STRUCT<street STRING, zip VARCHAR(5)>;
 *     DROP TYPE IF EXISTS address;
 */
plain_stmt(A) ::= CREATE TYPE if_not_exists(I) name(N) AS type(T). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_CREATE_TYPE, .u.create_type = {N, I, T}});
}
plain_stmt(A) ::= DROP TYPE if_exists(I) name(N). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_DROP_TYPE, .u.drop = {N, I}});
}

/* BIGINT, VARCHAR(10), DECIMAL(9, 2), ARRAY<STRING>, MAP<STRING, INT>, STRUCT<a INT, b STRING> */
%type type {AstType *}
%type fields {AstFieldVec}
type(A) ::= name(N).                                       { A = ast_build_type_named(b, N); }
type(A) ::= name(N) LP type_params RP(E). {
    A = ast_build_type_with_params(b, N, E);
}
type(A) ::= DECIMAL(T) LP INTEGER(P) COMMA INTEGER(S) RP(E). {
    A = ast_build_type_decimal(b, T, P, S, E);
}
type(A) ::= ARRAY_TYPE(T) LT type(V) GT(E).                { A = ast_build_type_array(b, T, V, E); }
type(A) ::= MAP_TYPE(T) LT type(K) COMMA type(V) GT(E). {
    A = ast_build_type_map(b, T, K, V, E);
}
type(A) ::= STRUCT_TYPE(T) LT fields(F) GT(E). {
    A = ast_build_type_struct(b, T, F, E);
}
type(A) ::= STRUCT_TYPE(T) NE(E). { A = ast_build_type_struct(b, T, (AstFieldVec){0}, E); }
type(A) ::= STRUCT_TYPE(T) LT GT(E). { A = ast_build_type_struct(b, T, (AstFieldVec){0}, E); }

fields(A) ::= name(N) type(T).                { A = ast_build_fields(b, (AstFieldVec){0}, N, T); }
fields(A) ::= fields(L) COMMA name(N) type(T). { A = ast_build_fields(b, L, N, T); }

type_params ::= type_param.
type_params ::= type_params COMMA type_param.
type_param ::= INTEGER.
type_param ::= name(N).                       { ast_build_type_param(b, N); }

/* --- connectors -------------------------------------------------------------------------------
 *
 *     CREATE SOURCE CONNECTOR IF NOT EXISTS files WITH ("connector.class" = 'FileStream');
 *     DROP CONNECTOR IF EXISTS files;
 */
plain_stmt(A) ::= CREATE SOURCE CONNECTOR if_not_exists(I) name(N) props(P). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_CREATE_CONNECTOR,
                                    .u.create_connector = {N, AST_CONNECTOR_SOURCE, I, P}});
}
plain_stmt(A) ::= CREATE SINK CONNECTOR if_not_exists(I) name(N) props(P). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_CREATE_CONNECTOR,
                                    .u.create_connector = {N, AST_CONNECTOR_SINK, I, P}});
}
plain_stmt(A) ::= DROP CONNECTOR if_exists(I) name(N). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_DROP_CONNECTOR, .u.drop = {N, I}});
}

/* --- SHOW -------------------------------------------------------------------------------------
 *
 *     SHOW STREAMS EXTENDED;  LIST ALL TOPICS;  SHOW SOURCE CONNECTORS;  SHOW CONNECTOR PLUGINS;
 */
plain_stmt(A) ::= show shown(S). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_SHOW, .u.show = S});
}
show ::= SHOW.
show ::= LIST.

%type shown {AstShow}
%type extended_opt {bool}
shown(A) ::= listed(K) extended_opt(X). { A = (AstShow){.kind = K, .is_extended = X}; }
shown(A) ::= ALL TOPICS extended_opt(X). {
    A = (AstShow){.kind = AST_SHOW_TOPICS, .is_all = true, .is_extended = X};
}
shown(A) ::= FUNCTIONS.         { A = (AstShow){.kind = AST_SHOW_FUNCTIONS}; }
shown(A) ::= PROPERTIES.        { A = (AstShow){.kind = AST_SHOW_PROPERTIES}; }
shown(A) ::= TYPES.             { A = (AstShow){.kind = AST_SHOW_TYPES}; }
shown(A) ::= VARIABLES.         { A = (AstShow){.kind = AST_SHOW_VARIABLES}; }
shown(A) ::= connector_kind(K) CONNECTORS. {
    A = (AstShow){.kind = AST_SHOW_CONNECTORS, .connector_kind = K};
}
shown(A) ::= CONNECTOR PLUGINS. { A = (AstShow){.kind = AST_SHOW_CONNECTOR_PLUGINS}; }

%type listed {AstShowKind}
listed(A) ::= STREAMS. { A = AST_SHOW_STREAMS; }
listed(A) ::= TABLES.  { A = AST_SHOW_TABLES; }
listed(A) ::= TOPICS.  { A = AST_SHOW_TOPICS; }
listed(A) ::= QUERIES. { A = AST_SHOW_QUERIES; }

%type connector_kind {AstConnectorKind}
connector_kind(A) ::= .       { A = AST_CONNECTOR_ANY; }
connector_kind(A) ::= SOURCE. { A = AST_CONNECTOR_SOURCE; }
connector_kind(A) ::= SINK.   { A = AST_CONNECTOR_SINK; }

extended_opt(A) ::= .                     { A = false; }
extended_opt(A) ::= EXTENDED.             { A = true; }

/* --- DESCRIBE, EXPLAIN ------------------------------------------------------------------------
 *
 *     DESCRIBE orders EXTENDED;  DESCRIBE STREAMS;  DESCRIBE FUNCTION len;  DESCRIBE CONNECTOR c;
 *     EXPLAIN SELECT * FROM orders EMIT CHANGES;  EXPLAIN CTAS_TOTALS_5;
 */
plain_stmt(A) ::= DESCRIBE described(D). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_DESCRIBE, .u.describe = D});
}
%type described {AstDescribe}
described(A) ::= name(N) extended_opt(X). { A = (AstDescribe){AST_DESCRIBE_SOURCE, N, X}; }
described(A) ::= STREAMS extended_opt(X). {
    A = (AstDescribe){.kind = AST_DESCRIBE_STREAMS, .is_extended = X};
}
described(A) ::= TABLES extended_opt(X). {
    A = (AstDescribe){.kind = AST_DESCRIBE_TABLES, .is_extended = X};
}
described(A) ::= FUNCTION name(N).        { A = (AstDescribe){AST_DESCRIBE_FUNCTION, N, false}; }
described(A) ::= CONNECTOR name(N).       { A = (AstDescribe){AST_DESCRIBE_CONNECTOR, N, false}; }

stmt(A) ::= EXPLAIN plain_stmt(S). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_EXPLAIN, .u.explain = {.stmt = S}});
}
stmt(A) ::= EXPLAIN name(N). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_EXPLAIN, .u.explain = {.query_id = N}});
}

/* --- PRINT ------------------------------------------------------------------------------------
 *
 *     PRINT 'orders-raw' FROM BEGINNING INTERVAL 10 LIMIT 3;
 */
plain_stmt(A) ::= PRINT name_or_string(N) from_beginning(F) interval_opt(I) limit_opt(L). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_PRINT,
                                    .u.print = {N, F, I.is_set, L.is_set, I.count, L.count}});
}
%type from_beginning {bool}
%type interval_opt {AstCount}
from_beginning(A) ::= .                     { A = false; }
from_beginning(A) ::= FROM BEGINNING.       { A = true; }
interval_opt(A) ::= .                       { A = (AstCount){0}; }
interval_opt(A) ::= INTERVAL(T) INTEGER(N). { A = ast_build_count(b, T, N); }
interval_opt(A) ::= SAMPLE(T) INTEGER(N).   { A = ast_build_count(b, T, N); }

/* --- TERMINATE, PAUSE, RESUME -----------------------------------------------------------------
 *
 *     TERMINATE CTAS_TOTALS_5;  PAUSE ALL;
 */
plain_stmt(A) ::= TERMINATE query_id(Q). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_TERMINATE, .u.query_id = Q});
}
plain_stmt(A) ::= PAUSE query_id(Q). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_PAUSE, .u.query_id = Q});
}
plain_stmt(A) ::= RESUME query_id(Q). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_RESUME, .u.query_id = Q});
}

%type query_id {AstQueryId}
query_id(A) ::= name(N).             { A = (AstQueryId){.name = N}; }
query_id(A) ::= ALL.                 { A = (AstQueryId){.is_all = true}; }

/* --- properties and variables -----------------------------------------------------------------
 *
 *     SET 'auto.offset.reset' = 'earliest';  UNSET 'auto.offset.reset';
 *     ALTER SYSTEM 'ksql.streams.num.stream.threads' = '2';
 *     DEFINE topic = 'orders';  UNDEFINE topic;
 */
plain_stmt(A) ::= SET STRING(N) EQ STRING(V).          { A = ast_build_setting(b, AST_SET, N, V); }
plain_stmt(A) ::= UNSET STRING(N). {
    A = ast_build_setting(b, AST_UNSET, N, (Token){0});
}
plain_stmt(A) ::= ALTER SYSTEM STRING(N) EQ STRING(V). {
    A = ast_build_setting(b, AST_ALTER_SYSTEM, N, V);
}
plain_stmt(A) ::= DEFINE name(N) EQ STRING(V). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_DEFINE, .u.variable = {N, ast_build_text(b, V)}});
}
plain_stmt(A) ::= UNDEFINE name(N). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_UNDEFINE, .u.variable = {.name = N}});
}

/* --- ASSERT -----------------------------------------------------------------------------------
 *
 *     ASSERT NOT EXISTS TOPIC orders WITH (PARTITIONS = 4) TIMEOUT 10 SECONDS;
 *     ASSERT SCHEMA SUBJECT 'orders-value' ID 3;
 */
plain_stmt(A) ::= ASSERT not_exists(X) TOPIC name_or_string(N) props_opt(P) timeout_opt(T). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_ASSERT_TOPIC,
                                    .u.assert_topic = {N, X, T.is_set, P, T.duration}});
}
plain_stmt(A) ::= ASSERT not_exists(X) SCHEMA subject_opt(S) id_opt(I) timeout_opt(T). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_ASSERT_SCHEMA,
                                    .u.assert_schema = {S, X, I.is_set, T.is_set, I.count,
                                                        T.duration}});
}
%type not_exists {bool}
%type timeout_opt {AstOptDuration}
%type subject_opt {AstName}
%type id_opt {AstCount}
not_exists(A) ::= .                  { A = false; }
not_exists(A) ::= NOT EXISTS.        { A = true; }
timeout_opt(A) ::= .                 { A = (AstOptDuration){0}; }
timeout_opt(A) ::= TIMEOUT duration(D). { A = (AstOptDuration){true, D}; }
subject_opt(A) ::= .                 { A = (AstName){0}; }
subject_opt(A) ::= SUBJECT name_or_string(N). { A = N; }
id_opt(A) ::= .                      { A = (AstCount){0}; }
id_opt(A) ::= ID(T) INTEGER(N).      { A = ast_build_count(b, T, N); }

/*
 * In test files only:
 *
 *     ASSERT VALUES totals (id, total) VALUES (1, 3);
 *     ASSERT NULL VALUES totals (id) KEY (1);
 *     ASSERT STREAM orders (id INT KEY) WITH (KAFKA_TOPIC = 'orders');
 */
plain_stmt(A) ::= ASSERT VALUES name(N) name_list_opt(C) VALUES rows(R). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_ASSERT_VALUES,
                                    .u.insert_values = {N, C, R.items, R.len}});
}
plain_stmt(A) ::= ASSERT NULL VALUES name(N) name_list_opt(C) KEY rows(R). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_ASSERT_NULL_VALUES,
                                    .u.insert_values = {N, C, R.items, R.len}});
}
plain_stmt(A) ::= ASSERT source_kind(K) name(N) props_opt(P). {
    A = ast_build_create_source(b, AST_ASSERT_SOURCE, (AstCreateSource){.name = N, .is_table = K},
                                (AstColumns){0}, P);
}
plain_stmt(A) ::= ASSERT source_kind(K) name(N) column_defs(C) props_opt(P). {
    A = ast_build_create_source(b, AST_ASSERT_SOURCE, (AstCreateSource){.name = N, .is_table = K},
                                C, P);
}

/* --- RUN SCRIPT: a command of the client, which the server refuses ----------------------------
 *
 *     RUN SCRIPT 'setup.sql';
 */
plain_stmt(A) ::= RUN SCRIPT STRING(S). {
    A = ast_build_stmt(b, (AstStmt){.kind = AST_RUN_SCRIPT,
                                    .u.run_script = {ast_build_text(b, S), S.pos}});
}

/* --- expressions, loosest first ---------------------------------------------------------------
 *
 *     a OR b AND NOT c = d + 1
 */
%type expr {AstExpr *}
%type conjunction {AstExpr *}
%type negation {AstExpr *}
%type predicate {AstExpr *}
%type exprs {AstExprVec}
expr(A) ::= conjunction(A).
expr(A) ::= expr(L) OR conjunction(R).        { A = ast_build_chain(b, AST_OR, L, R); }
conjunction(A) ::= negation(A).
conjunction(A) ::= conjunction(L) AND negation(R). { A = ast_build_chain(b, AST_AND, L, R); }
negation(A) ::= predicate(A).
negation(A) ::= NOT(T) negation(E).           { A = ast_build_not(b, T, E); }

exprs(A) ::= expr(E).                         { A = ast_build_exprs(b, (AstExprVec){0}, E); }
exprs(A) ::= exprs(L) COMMA expr(E).          { A = ast_build_exprs(b, L, E); }

/* One per operand: a = b = c is no expression. */
predicate(A) ::= value(A).
predicate(A) ::= value(L) EQ value(R).        { A = ast_build_compare(b, AST_OP_EQ, L, R); }
predicate(A) ::= value(L) NE value(R).        { A = ast_build_compare(b, AST_OP_NE, L, R); }
predicate(A) ::= value(L) LT value(R).        { A = ast_build_compare(b, AST_OP_LT, L, R); }
predicate(A) ::= value(L) LE value(R).        { A = ast_build_compare(b, AST_OP_LE, L, R); }
predicate(A) ::= value(L) GT value(R).        { A = ast_build_compare(b, AST_OP_GT, L, R); }
predicate(A) ::= value(L) GE value(R).        { A = ast_build_compare(b, AST_OP_GE, L, R); }
predicate(A) ::= value(E) IS not_opt(N) NULL(T). { A = ast_build_is_null(b, E, N, T); }
predicate(A) ::= value(L) IS not_opt(N) DISTINCT FROM value(R). {
    A = ast_build_distinct(b, L, N, R);
}
predicate(A) ::= value(E) not_opt(N) BETWEEN value(L) AND value(H). {
    A = ast_build_between(b, E, N, L, H);
}
predicate(A) ::= value(E) not_opt(N) IN LP exprs(L) RP(T). { A = ast_build_in(b, E, N, L, T); }
predicate(A) ::= value(E) not_opt(N) LIKE value(P). {
    A = ast_build_like(b, E, N, P, (Token){0});
}
predicate(A) ::= value(E) not_opt(N) LIKE value(P) ESCAPE STRING(S). {
    A = ast_build_like(b, E, N, P, S);
}
%type not_opt {bool}
not_opt(A) ::= .                              { A = false; }
not_opt(A) ::= NOT.                           { A = true; }

/* a || -b + c * d[1] */
%type value {AstExpr *}
%type sum {AstExpr *}
%type product {AstExpr *}
%type signed {AstExpr *}
%type zoned {AstExpr *}
value(A) ::= sum(A).
value(A) ::= value(L) CONCAT sum(R). {
    A = ast_build_binary(b, AST_CONCAT, AST_OP_NONE, L, R);
}
sum(A) ::= product(A).
sum(A) ::= sum(L) PLUS product(R).            { A = ast_build_arithmetic(b, AST_OP_ADD, L, R); }
sum(A) ::= sum(L) MINUS product(R).           { A = ast_build_arithmetic(b, AST_OP_SUB, L, R); }
product(A) ::= signed(A).
product(A) ::= product(L) STAR signed(R).     { A = ast_build_arithmetic(b, AST_OP_MUL, L, R); }
product(A) ::= product(L) SLASH signed(R).    { A = ast_build_arithmetic(b, AST_OP_DIV, L, R); }
product(A) ::= product(L) PERCENT signed(R).  { A = ast_build_arithmetic(b, AST_OP_MOD, L, R); }
signed(A) ::= zoned(A).
signed(A) ::= MINUS(T) signed(E).             { A = ast_build_sign(b, T, E); }
signed(A) ::= PLUS(T) signed(E).              { A = ast_build_sign(b, T, E); }
zoned(A) ::= primary(A).
zoned(A) ::= zoned(E) AT TIME ZONE STRING(S). { A = ast_build_at_time_zone(b, E, S); }

/* orders.id, items[1]->name, ARRAY[1, 2], MAP('a' := 1), STRUCT(f := 'x') */
%type primary {AstExpr *}
%type paren {AstExpr *}
primary(A) ::= literal(A).
primary(A) ::= paren(A).
primary(A) ::= name(N).                         { A = ast_build_column(b, (AstName){0}, N); }
primary(A) ::= name(Q) DOT name(N).             { A = ast_build_column(b, Q, N); }
primary(A) ::= primary(E) LB value(I) RB(T).    { A = ast_build_subscript(b, E, I, T); }
primary(A) ::= primary(E) ARROW name(N).        { A = ast_build_field(b, E, N); }
primary(A) ::= CAST(T) LP expr(E) AS type(Y) RP(Z). { A = ast_build_cast(b, T, E, Y, Z); }
primary(A) ::= ARRAY(T) LB RB(E).               { A = ast_build_array(b, T, (AstExprVec){0}, E); }
primary(A) ::= ARRAY(T) LB exprs(L) RB(E).      { A = ast_build_array(b, T, L, E); }
primary(A) ::= MAP(T) LP RP(E).                 { A = ast_build_map(b, T, (AstExprVec){0}, E); }
primary(A) ::= MAP(T) LP map_entries(L) RP(E).  { A = ast_build_map(b, T, L, E); }
primary(A) ::= STRUCT(T) LP RP(E).              { A = ast_build_struct(b, T, (AstEntries){0}, E); }
primary(A) ::= STRUCT(T) LP struct_entries(L) RP(E). { A = ast_build_struct(b, T, L, E); }
paren(A) ::= LP(T) expr(E) RP(Z).               { A = ast_build_paren(b, T, E, Z); }

%type map_entries {AstExprVec}
%type struct_entries {AstEntries}
map_entries(A) ::= expr(K) ASSIGN expr(V). {
    A = ast_build_pair(b, (AstExprVec){0}, K, V);
}
map_entries(A) ::= map_entries(L) COMMA expr(K) ASSIGN expr(V). {
    A = ast_build_pair(b, L, K, V);
}
struct_entries(A) ::= name(N) ASSIGN expr(V). { A = ast_build_entries(b, (AstEntries){0}, N, V); }
struct_entries(A) ::= struct_entries(L) COMMA name(N) ASSIGN expr(V). {
    A = ast_build_entries(b, L, N, V);
}

/* CASE WHEN a > 1 THEN 'x' ELSE 'y' END   CASE a WHEN 1 THEN 'x' END */
%type whens {AstExprVec}
%type else_opt {AstExpr *}
primary(A) ::= CASE(T) whens(W) else_opt(E) END(Z). {
    A = ast_build_case(b, T, NULL, W, E, Z);
}
primary(A) ::= CASE(T) expr(O) whens(W) else_opt(E) END(Z). {
    A = ast_build_case(b, T, O, W, E, Z);
}
whens(A) ::= WHEN expr(C) THEN expr(V). {
    A = ast_build_pair(b, (AstExprVec){0}, C, V);
}
whens(A) ::= whens(L) WHEN expr(C) THEN expr(V). {
    A = ast_build_pair(b, L, C, V);
}
else_opt(A) ::= .                               { A = NULL; }
else_opt(A) ::= ELSE expr(E).                   { A = E; }

/* COUNT(*), TIMESTAMPADD(DAYS, 1, ts), REDUCE(list, 0, (total, x) => total + x) */
%type args {AstExprVec}
%type arg {AstExpr *}
primary(A) ::= name(N) LP RP(E).                { A = ast_build_call(b, N, (AstExprVec){0}, E); }
primary(A) ::= name(N) LP STAR RP(E).           { A = ast_build_call_star(b, N, E); }
primary(A) ::= name(N) LP args(L) RP(E).        { A = ast_build_call(b, N, L, E); }
primary(A) ::= name(N) LP DISTINCT(T) args(L) RP(E). {
    A = ast_build_call_distinct(b, N, T, L, E);
}
args(A) ::= arg(E).                             { A = ast_build_exprs(b, (AstExprVec){0}, E); }
args(A) ::= args(L) COMMA arg(E).               { A = ast_build_exprs(b, L, E); }
arg(A) ::= expr(A).
arg(A) ::= UNIT(T).                             { A = ast_build_unit_word(b, T); }
arg(A) ::= name(N) LAMBDA expr(E). {
    A = ast_build_lambda(b, ast_build_names(b, (AstNameVec){0}, N), N.pos, E);
}
arg(A) ::= paren(P) LAMBDA expr(E). {
    A = ast_build_lambda(b, ast_build_params(b, ast_build_exprs(b, (AstExprVec){0}, P)), P->pos, E);
}
arg(A) ::= LP(T) param_pair(L) RP LAMBDA expr(E). {
    A = ast_build_lambda(b, ast_build_params(b, L), T.pos, E);
}
%type param_pair {AstExprVec}
param_pair(A) ::= expr(E) COMMA expr(F). {
    A = ast_build_pair(b, (AstExprVec){0}, E, F);
}
param_pair(A) ::= param_pair(L) COMMA expr(E).  { A = ast_build_exprs(b, L, E); }

/* NULL, TRUE, 12, 1.50, 1E3, 'text', DECIMAL '12.30' */
%type literal {AstExpr *}
%type number {AstExpr *}
literal(A) ::= NULL(T).                         { A = ast_build_null(b, T); }
literal(A) ::= TRUE(T).                         { A = ast_build_boolean(b, T, true); }
literal(A) ::= FALSE(T).                        { A = ast_build_boolean(b, T, false); }
literal(A) ::= STRING(T).                       { A = ast_build_string(b, T); }
literal(A) ::= DECIMAL(T) STRING(S).            { A = ast_build_decimal(b, T, S); }
literal(A) ::= number(A).
number(A) ::= INTEGER(T).                       { A = ast_build_number(b, T); }
number(A) ::= NUMBER(T).                        { A = ast_build_number(b, T); }
number(A) ::= FLOAT(T).                         { A = ast_build_number(b, T); }

%code {
_Static_assert((int)YYNTOKEN <= EXPECT_TOKENS_MAX, "the set of expected tokens holds every token");

/*
 * Which tokens could stand in place of the wrong one: for each, the moves that the parser would
 * make are tried on a copy of its states, without actions, until it shifts the token or cannot.
 */
static bool grammar_would_take(const yyParser *parser, YYCODETYPE token)
{
    YYACTIONTYPE states[YYSTACKDEPTH];
    size_t       len = 0;

    for (const yyStackEntry *entry = parser->yystack; entry <= parser->yytos; entry++)
        states[len++] = entry->stateno;
    for (;;) {
        YYACTIONTYPE action = yy_find_shift_action(token, states[len - 1]);
        size_t       rule;

        if (action < YY_MIN_REDUCE)
            return action <= YY_MAX_SHIFTREDUCE || action == YY_ACCEPT_ACTION;
        rule = (size_t)(action - YY_MIN_REDUCE);
        len -= (size_t)-yyRuleInfoNRhs[rule];
        states[len] = yy_find_reduce_action(states[len - 1], yyRuleInfoLhs[rule]);
        len++;
        if (len == YYSTACKDEPTH)
            return false;
    }
}

static void grammar_expected(const yyParser *parser, bool *expected)
{
    for (int token = 0; token < EXPECT_TOKENS_MAX; token++)
        expected[token] = token < YYNTOKEN && grammar_would_take(parser, (YYCODETYPE)token);
}
}
