{#- Rows in which any of `columns` is null: one test, and so one event in Dagster, for all of them. -#}
{% test none_null(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null

{% endtest %}
