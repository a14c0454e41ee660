{#- A model lives in the schema it names: `features.context` here is `features/context` in Dagster. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
