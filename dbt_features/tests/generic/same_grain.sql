{#- Combinations of `columns` that stand in only one of the two relations. -#}
{% test same_grain(model, compare_to, columns) %}

with here as (
    select {{ columns | join(', ') }} from {{ model }}
),

there as (
    select {{ columns | join(', ') }} from {{ compare_to }}
)

(select * from here except select * from there)
union all
(select * from there except select * from here)

{% endtest %}
